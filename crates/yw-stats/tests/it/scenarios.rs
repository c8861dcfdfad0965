//! Simulated populations whose true score is known, shared by the tests and by `examples/coverage.rs`.

use statrs::distribution::{ContinuousCDF, Normal};
use yw_stats::{Statistic, boolean, label, mean, number};

/// A seeded source of what the populations need.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15);
        random.uniform();
        random
    }

    /// In ]0, 1[: xorshift64*.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// An index, with these probabilities.
    pub(crate) fn choose(&mut self, probabilities: &[f64]) -> usize {
        let mut left = self.uniform();
        for (index, probability) in probabilities.iter().enumerate() {
            left -= probability;
            if left < 0.0 {
                return index;
            }
        }
        probabilities.len() - 1
    }
}

/// One sample: a statistic of it, and the groups of its rows if they have any.
pub(crate) struct Sample {
    pub(crate) statistic: Box<dyn Statistic>,
    pub(crate) groups: Option<Vec<u32>>,
}

impl From<Box<dyn Statistic>> for Sample {
    fn from(statistic: Box<dyn Statistic>) -> Self {
        Sample { statistic, groups: None }
    }
}

/// A population, its true score, and how to sample it.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) truth: f64,
    pub(crate) sample: fn(&mut Random) -> Sample,
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario { name: "mean of 200 exponential costs", truth: 1.0, sample: costs },
        Scenario { name: "F1, 200 rows, 40 % true", truth: F1_TRUTH, sample: f1 },
        Scenario { name: "macro F1, 300 rows, 4 labels", truth: macro_f1_truth(), sample: macro_f1 },
        Scenario { name: "ROC AUC, 200 rows, 30 % true", truth: auc_truth(), sample: |r| auc(r, 200, 0.3) },
        Scenario { name: "ROC AUC, 400 rows, 1 in 16 true", truth: auc_truth(), sample: |r| auc(r, 400, 1.0 / 16.0) },
        Scenario { name: "log loss, 200 rows", truth: 0.5, sample: log_loss },
        Scenario { name: "RMSE, 150 normal errors", truth: 1.0, sample: rmse },
        Scenario { name: "RMSE, 300 Laplace errors", truth: 2.0_f64.sqrt(), sample: rmse_laplace },
        Scenario { name: "mean, 50 groups of 1 to 8 rows", truth: 0.0, sample: |r| grouped(r, 50) },
        Scenario { name: "mean, 40 groups of 1 to 8 rows", truth: 0.0, sample: |r| grouped(r, 40) },
    ]
}

/// 2 tp / (2 tp + fp + fn) with 40 % true, of which 80 % are found, and 15 % of the false taken for true.
const F1_TRUTH: f64 = 2.0 * 0.32 / (0.4 + 0.32 + 0.09);

const LABEL_SHARES: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
/// The chance of each answer, by truth.
const ANSWERS: [[f64; 4]; 4] =
    [[0.8, 0.1, 0.05, 0.05], [0.1, 0.7, 0.1, 0.1], [0.15, 0.15, 0.65, 0.05], [0.1, 0.2, 0.1, 0.6]];
/// How many standard deviations true rows score above false ones.
const SEPARATION: f64 = 1.3;

fn auc_truth() -> f64 {
    Normal::standard().cdf(SEPARATION / 2.0_f64.sqrt())
}

fn macro_f1_truth() -> f64 {
    let f1 = |label: usize| {
        let hits = LABEL_SHARES[label] * ANSWERS[label][label];
        let answered: f64 = (0..4).map(|truth| LABEL_SHARES[truth] * ANSWERS[truth][label]).sum();
        2.0 * hits / (LABEL_SHARES[label] + answered)
    };
    (0..4).map(f1).sum::<f64>() / 4.0
}

fn costs(random: &mut Random) -> Sample {
    mean((0..200).map(|_| random.exponential()).collect()).into()
}

fn f1(random: &mut Random) -> Sample {
    let truth: Vec<bool> = (0..200).map(|_| random.chance(0.4)).collect();
    let predicted: Vec<Option<bool>> =
        truth.iter().map(|&truth| Some(random.chance(if truth { 0.8 } else { 0.15 }))).collect();
    boolean::f1(&truth, &predicted).into()
}

fn macro_f1(random: &mut Random) -> Sample {
    let truth: Vec<u32> = (0..300).map(|_| random.choose(&LABEL_SHARES) as u32).collect();
    let predicted: Vec<Option<u32>> =
        truth.iter().map(|&truth| Some(random.choose(&ANSWERS[truth as usize]) as u32)).collect();
    label::macro_f1(&truth, &predicted).into()
}

fn auc(random: &mut Random, n_rows: usize, share_true: f64) -> Sample {
    let truth: Vec<bool> = (0..n_rows).map(|_| random.chance(share_true)).collect();
    let scores: Vec<f64> = truth.iter().map(|&truth| random.normal() + if truth { SEPARATION } else { 0.0 }).collect();
    boolean::roc_auc(&truth, &scores).into()
}

/// Probabilities that are uniform and true.
fn log_loss(random: &mut Random) -> Sample {
    let p_true: Vec<f64> = (0..200).map(|_| random.uniform()).collect();
    let truth: Vec<bool> = p_true.iter().map(|&p| random.chance(p)).collect();
    boolean::log_loss(&truth, &p_true).into()
}

fn rmse(random: &mut Random) -> Sample {
    let truth: Vec<f64> = (0..150).map(|_| 3.0 * random.normal()).collect();
    let predicted: Vec<f64> = truth.iter().map(|truth| truth + random.normal()).collect();
    number::rmse(&truth, &predicted).into()
}

fn rmse_laplace(random: &mut Random) -> Sample {
    let errors: Vec<f64> = (0..300).map(|_| random.exponential() - random.exponential()).collect();
    number::rmse(&vec![0.0; 300], &errors).into()
}

/// Half of the variance lies between the groups.
fn grouped(random: &mut Random, n_groups: u32) -> Sample {
    let (mut rows, mut groups) = (Vec::new(), Vec::new());
    for group in 0..n_groups {
        let of_group = random.normal();
        for _ in 0..1 + random.below(8) {
            rows.push(of_group + random.normal());
            groups.push(group);
        }
    }
    Sample { statistic: mean(rows), groups: Some(groups) }
}

/// Two equally good candidates on the same rows.
pub(crate) struct Duel {
    pub(crate) name: &'static str,
    pub(crate) sample: fn(&mut Random) -> [Box<dyn Statistic>; 2],
}

pub(crate) fn duels() -> Vec<Duel> {
    vec![
        Duel { name: "mean score, 200 rows", sample: |r| score_duel(r, 200) },
        Duel { name: "mean score, 50 rows", sample: |r| score_duel(r, 50) },
        Duel { name: "ROC AUC, 200 rows, 30 % true", sample: |r| auc_duel(r, 200, 0.3) },
        Duel { name: "ROC AUC, 400 rows, 1 in 16 true", sample: |r| auc_duel(r, 400, 1.0 / 16.0) },
        Duel { name: "macro F1, 300 rows, 4 labels", sample: macro_f1_duel },
        Duel { name: "log loss, 200 rows", sample: log_loss_duel },
        Duel { name: "RMSE, 150 rows", sample: rmse_duel },
    ]
}

fn score_duel(random: &mut Random, n_rows: usize) -> [Box<dyn Statistic>; 2] {
    equal_scores(random, n_rows)
}

/// Equally good candidates scored in quarters, as token F1 might be; half of the rows decide all scores alike.
pub(crate) fn equal_scores<const N: usize>(random: &mut Random, n_rows: usize) -> [Box<dyn Statistic>; N] {
    let score = |random: &mut Random| random.choose(&[0.2, 0.1, 0.1, 0.2, 0.4]) as f64 / 4.0;
    let mut scores = [const { Vec::new() }; N];
    for _ in 0..n_rows {
        let (common, decides) = (score(random), random.chance(0.5));
        for of_candidate in &mut scores {
            of_candidate.push(if decides { common } else { score(random) });
        }
    }
    scores.map(mean)
}

/// Two candidates that are right on 80 of 100 rows each, and on 70 both.
pub(crate) fn rights(random: &mut Random, n_rows: usize) -> [Vec<bool>; 2] {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..n_rows {
        let outcome = random.choose(&[0.7, 0.1, 0.1, 0.1]);
        a.push(matches!(outcome, 0 | 1));
        b.push(matches!(outcome, 0 | 2));
    }
    [a, b]
}

fn auc_duel(random: &mut Random, n_rows: usize, share_true: f64) -> [Box<dyn Statistic>; 2] {
    let truth: Vec<bool> = (0..n_rows).map(|_| random.chance(share_true)).collect();
    let common: Vec<f64> = truth.iter().map(|&truth| random.normal() + if truth { SEPARATION } else { 0.0 }).collect();
    let mut candidate = || {
        let scores: Vec<f64> = common.iter().map(|common| common + 0.7 * random.normal()).collect();
        boolean::roc_auc(&truth, &scores)
    };
    [candidate(), candidate()]
}

fn macro_f1_duel(random: &mut Random) -> [Box<dyn Statistic>; 2] {
    let truth: Vec<u32> = (0..300).map(|_| random.choose(&LABEL_SHARES) as u32).collect();
    let mut candidate = || {
        let predicted: Vec<Option<u32>> =
            truth.iter().map(|&truth| Some(random.choose(&ANSWERS[truth as usize]) as u32)).collect();
        label::macro_f1(&truth, &predicted)
    };
    [candidate(), candidate()]
}

fn log_loss_duel(random: &mut Random) -> [Box<dyn Statistic>; 2] {
    let logits: Vec<f64> = (0..200).map(|_| 1.5 * random.normal()).collect();
    let logistic = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    let truth: Vec<bool> = logits.iter().map(|&logit| random.chance(logistic(logit))).collect();
    let mut candidate = || {
        let p_true: Vec<f64> = logits.iter().map(|logit| logistic(logit + 0.5 * random.normal())).collect();
        boolean::log_loss(&truth, &p_true)
    };
    [candidate(), candidate()]
}

fn rmse_duel(random: &mut Random) -> [Box<dyn Statistic>; 2] {
    let truth: Vec<f64> = (0..150).map(|_| 3.0 * random.normal()).collect();
    let common: Vec<f64> = truth.iter().map(|truth| truth + random.normal()).collect();
    let mut candidate = || {
        let predicted: Vec<f64> = common.iter().map(|common| common + 0.7 * random.normal()).collect();
        number::rmse(&truth, &predicted)
    };
    [candidate(), candidate()]
}
