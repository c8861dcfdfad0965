"""Prints tests/it/oracle_values.rs: small samples with ties, and what scikit-learn and rouge_score make of them.

Made with scikit-learn 1.9.1 and rouge-score 0.1.2:  python tests/oracle.py > tests/it/oracle_values.rs
"""

import numpy as np
from rouge_score import rouge_scorer
from sklearn import metrics as sk

random = np.random.default_rng(20)
N, K = 40, 4
counts = random.integers(0, 4, N)

labels = random.choice(K, N, p=[0.4, 0.3, 0.2, 0.1])
answers = np.where(random.random(N) < 0.6, labels, random.choice(K, N))
# Twentieths, none zero, so that there are ties and rows sum to one.
parts = np.array([random.multinomial(20 - K, random.dirichlet(np.eye(K)[y] * 2 + 0.7)) + 1 for y in labels])
table = parts / 20

truth = random.random(N) < 0.35
p_true = np.clip(np.round(random.normal(0.35 + 0.25 * truth, 0.2), 1), 0.1, 0.9)
said = p_true > 0.5

numbers = np.round(random.normal(10, 4, N), 1)
guesses = np.round(numbers + random.normal(0.5, 2, N), 1)

TEXTS = [
    ("The quick brown fox jumps over the lazy dog.", "A quick fox jumped over the dog, lazily."),
    ("refund within 30 days", "You get a refund within 30 days of purchase"),
    ("to be or not to be", "not to be or to be"),
    ("Yes.", "no"),
    ("state-of-the-art e-mail", "State of the art email"),
    ("", "something"),
]


def of_all(rows):
    """Every metric of the given rows."""
    y, a, p, t, s, q = labels[rows], answers[rows], table[rows], truth[rows], said[rows], p_true[rows]
    n, g = numbers[rows], guesses[rows]
    return {
        "label accuracy": sk.accuracy_score(y, a),
        "macro_f1": sk.f1_score(y, a, average="macro"),
        "weighted_f1": sk.f1_score(y, a, average="weighted"),
        "label log_loss": sk.log_loss(y, p, labels=range(K)),
        "label roc_auc": sk.roc_auc_score(y, p, multi_class="ovr", labels=range(K)),
        "accuracy": sk.accuracy_score(t, s),
        "f1": sk.f1_score(t, s),
        "precision": sk.precision_score(t, s),
        "recall": sk.recall_score(t, s),
        "roc_auc": sk.roc_auc_score(t, q),
        "average_precision": sk.average_precision_score(t, q),
        "log_loss": sk.log_loss(t, q),
        "brier": sk.brier_score_loss(t, q),
        "rmse": sk.root_mean_squared_error(n, g),
        "mae": sk.mean_absolute_error(n, g),
        "r2": sk.r2_score(n, g),
        "mape": sk.mean_absolute_percentage_error(n, g),
        "median_ae": sk.median_absolute_error(n, g),
    }


def array(name, kind, values):
    words = ", ".join(str(v).lower() if isinstance(v, bool) else repr(v) for v in np.asarray(values).tolist())
    return f"pub(crate) const {name}: &[{kind}] = &[{words}];"


once, drawn = of_all(np.arange(N)), of_all(np.repeat(np.arange(N), counts))
rouge = rouge_scorer.RougeScorer(["rougeL"])

print("//! Printed by `tests/oracle.py`: samples, and what scikit-learn and rouge_score make of them.\n")
print(array("COUNTS", "u32", counts))
print(array("LABELS", "u32", labels))
print(array("ANSWERS", "u32", answers))
print("/// Four columns.")
print(array("PROBABILITIES", "f64", table.ravel()))
print(array("TRUTH", "bool", truth))
print(array("P_TRUE", "f64", p_true))
print(array("NUMBERS", "f64", numbers))
print(array("GUESSES", "f64", guesses))
print("/// Metric; its value on the rows; its value on the rows repeated by `COUNTS`.")
print("pub(crate) const METRICS: &[(&str, f64, f64)] = &[")
for name in once:
    print(f'    ("{name}", {float(once[name])!r}, {float(drawn[name])!r}),')
print("];")
print("/// Truth, answer, ROUGE-L.")
print("pub(crate) const ROUGE_L: &[(&str, &str, f64)] = &[")
for a, b in TEXTS:
    print(f'    ("{a}", "{b}", {float(rouge.score(a, b)["rougeL"].fmeasure)!r}),')
print("];")
