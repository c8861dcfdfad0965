//! Measures speed and quality of the models on public tables.
//!
//!     cargo run --release -p yw-learn --example quality -- FOLDER
//!
//! The folder holds `banking77/{train,test}.csv` (PolyAI's intents: text, category), `adult/{train,test}.csv` (UCI census,
//! with a header and empty cells for missing ones) and `telco-churn/telco.csv` (IBM's customers). A table that is not there
//! is left out.

#![allow(clippy::print_stdout, reason = "this program prints its measurements")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use yw_learn::{
    Costs, Decider, DecisionObjective, FitError, Folds, HeldOut, LinearLoss, LinearParams, Model, ModelParams,
    NearestParams, class_ids, class_probabilities,
};
use yw_task::{Answer, Cell, Field, FieldType, LabelSet, LabelledRows, RowsBuilder, Scores, Truth};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("the folder with the tables is missing")?);
    println!("{} threads", std::thread::available_parallelism()?);
    if folder.join("banking77").exists() {
        banking(&folder.join("banking77"))?;
    }
    if folder.join("adult").exists() {
        adult(&folder.join("adult"))?;
    }
    if folder.join("telco-churn").exists() {
        telco(&folder.join("telco-churn"))?;
    }
    Ok(())
}

fn banking(folder: &Path) -> Result<()> {
    let fields = [("text", FieldType::Text)];
    let (train, test) = (Table::read(&folder.join("train.csv"))?, Table::read(&folder.join("test.csv"))?);
    let labels = LabelSet::sorted(train.column("category")?);
    let train = train.labelled(&fields, |row| label(&labels, &row[1]), &labels)?;
    let test = test.labelled(&fields, |row| label(&labels, &row[1]), &labels)?;
    let softmax = LinearParams { loss: LinearLoss::Logistic, l2: Some(0.1), ..LinearParams::default() };
    for (name, params) in [
        ("linear", ModelParams::Linear(LinearParams::default())),
        ("softmax", ModelParams::Linear(softmax)),
        ("nearest", ModelParams::Nearest(NearestParams::default())),
    ] {
        let measured = Measured::of(&train, &test, &params)?;
        measured.print(
            &format!("banking77 {name}"),
            &format!(
                "accuracy {:.4} log_loss {:.4}",
                accuracy(&measured.answers, &test.truth),
                log_loss(&measured.answers, &test.truth)
            ),
        );
    }
    Ok(())
}

fn adult(folder: &Path) -> Result<()> {
    let numbers = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"];
    let (train, test) = (Table::read(&folder.join("train.csv"))?, Table::read(&folder.join("test.csv"))?);
    let fields = train.fields(&numbers, &["income"]);
    let (train, test) = (train.booleans(&fields, "income", ">50K")?, test.booleans(&fields, "income", ">50K")?);
    for (name, params) in [
        ("linear", ModelParams::Linear(LinearParams::default())),
        ("nearest", ModelParams::Nearest(NearestParams { k: 50, ..NearestParams::default() })),
    ] {
        let measured = Measured::of(&train, &test, &params)?;
        measured.print(
            &format!("adult {name}"),
            &format!(
                "roc_auc {:.4} log_loss {:.4}",
                roc_auc(&measured.answers, &test.truth),
                log_loss(&measured.answers, &test.truth)
            ),
        );
        decided(&format!("adult {name}, decided"), &train, &test, &params, &measured.answers)?;
    }
    Ok(())
}

/// Calibrates a model and tunes its threshold to a miss that costs five false alarms; says what that brings.
fn decided(
    name: &str,
    train: &LabelledRows,
    test: &LabelledRows,
    params: &ModelParams,
    before: &[Answer],
) -> Result<()> {
    let start = Instant::now();
    let probabilities = Folds::of(train, 5, 0).out_of_fold(|fit, held_out| {
        let answers = Model::fit(&train.take(fit), params, 0)?.answers(&train.rows.take(held_out));
        Ok::<_, FitError>(class_probabilities(answers.iter().map(|a| a.scores.as_ref()), 2))
    })?;
    let (truths, fitted) = (class_ids(&train.truth).ok_or("the answers are no classes")?, start.elapsed());
    let objective = DecisionObjective::Cost(Costs::of_mistakes(1.0, 5.0)?);
    let start = Instant::now();
    let learned = Decider::learn(&HeldOut::new(&probabilities, &truths, 2), Some(&objective), 0);
    let labels = LabelSet::default();
    let after: Vec<Answer> = before.iter().map(|answer| learned.decider.decide(answer.clone(), &labels)).collect();
    let cost = |answers: &[Answer]| {
        let cost = |(i, answer): (usize, &Answer)| match (&answer.value, test.truth.value(i)) {
            (given, truth) if *given == truth => 0.0,
            (given, _) => {
                if given.to_string() == "true" {
                    1.0
                } else {
                    5.0
                }
            }
        };
        answers.iter().enumerate().map(cost).sum::<f64>() / answers.len() as f64
    };
    let of = |answers: &[Answer]| {
        let (error, loss) = (calibration_error(answers, &test.truth), log_loss(answers, &test.truth));
        format!(
            "ece {error:.4} log_loss {loss:.4} roc_auc {:.4} cost {:.4}",
            roc_auc(answers, &test.truth),
            cost(answers)
        )
    };
    println!("{name}: from {} to {}", of(before), of(&after));
    println!(
        "    {} {:?}; held out {:?}; folds {:.1} s, learning {:.2} s, {} bytes",
        learned.decider.calibrator().method().name(),
        learned.decider.rule(),
        learned.calibration.losses.iter().map(|l| format!("{} {:.4}", l.method.name(), l.log_loss)).collect::<Vec<_>>(),
        fitted.as_secs_f64(),
        start.elapsed().as_secs_f64(),
        learned.decider.to_bytes().len(),
    );
    Ok(())
}

fn telco(folder: &Path) -> Result<()> {
    let table = Table::read(&folder.join("telco.csv"))?;
    let fields = table.fields(&["SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges"], &["customerID", "Churn"]);
    let rows = table.booleans(&fields, "Churn", "Yes")?;
    // Five folds, stratified: of the rows of each class every fifth.
    let Truth::Boolean(truths) = &rows.truth else { unreachable!("the answers are booleans") };
    let mut order: Vec<usize> = (0..rows.n_rows()).collect();
    order.sort_by_key(|&i| (truths[i], (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let mut scores = Vec::new();
    for fold in 0..5 {
        let part = |is_test: bool| -> Vec<usize> {
            order.iter().enumerate().filter(|(i, _)| (i % 5 == fold) == is_test).map(|(_, &row)| row).collect()
        };
        let test = rows.take(&part(true));
        let measured = Measured::of(&rows.take(&part(false)), &test, &ModelParams::Linear(LinearParams::default()))?;
        let auc = roc_auc(&measured.answers, &test.truth);
        measured.print(
            &format!("telco linear, fold {fold}"),
            &format!("roc_auc {auc:.4} log_loss {:.4}", log_loss(&measured.answers, &test.truth)),
        );
        scores.push(auc);
    }
    println!("telco linear: mean roc_auc {:.4}", scores.iter().sum::<f64>() / 5.0);
    Ok(())
}

struct Measured {
    model: Model,
    answers: Vec<Answer>,
    fit: Duration,
    predict: Duration,
    single: Duration,
}

impl Measured {
    fn of(train: &LabelledRows, test: &LabelledRows, params: &ModelParams) -> Result<Measured> {
        let start = Instant::now();
        let model = Model::fit(train, params, 0)?;
        let fit = start.elapsed();
        let start = Instant::now();
        let answers = model.answers(&test.rows);
        let predict = start.elapsed();
        let mut singles: Vec<Duration> = (0..test.n_rows().min(1000))
            .map(|i| {
                let row = test.rows.slice(i, 1);
                let start = Instant::now();
                std::hint::black_box(model.answers(&row));
                start.elapsed()
            })
            .collect();
        singles.sort_unstable();
        Ok(Measured { model, answers, fit, predict, single: singles[singles.len() / 2] })
    }

    fn print(&self, name: &str, scores: &str) {
        let summary = self.model.summary();
        println!(
            "{name:22} {scores}  fit {:.3} s  predict {:.3} s  one row {:.1} µs  {} features  {} iterations{}  l2 {}  {} bytes",
            self.fit.as_secs_f64(),
            self.predict.as_secs_f64(),
            self.single.as_secs_f64() * 1e6,
            summary.n_features,
            summary.iterations,
            if summary.converged { "" } else { " (not converged)" },
            summary.l2.map_or("-".to_owned(), |l2| l2.to_string()),
            self.model.to_bytes().len(),
        );
    }
}

/// A CSV file in memory.
struct Table {
    names: Vec<String>,
    records: Vec<csv::StringRecord>,
}

impl Table {
    fn read(path: &Path) -> Result<Table> {
        let mut reader = csv::Reader::from_path(path)?;
        let names = reader.headers()?.iter().map(str::to_owned).collect();
        Ok(Table { names, records: reader.records().collect::<std::result::Result<_, _>>()? })
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.names.iter().position(|n| n == name).ok_or_else(|| format!("there is no column {name}").into())
    }

    fn column(&self, name: &str) -> Result<Vec<&str>> {
        let position = self.position(name)?;
        Ok(self.records.iter().map(|r| &r[position]).collect())
    }

    /// Every column but `without`: a number where it is named as one, else a category.
    fn fields<'a>(&'a self, numbers: &[&str], without: &[&str]) -> Vec<(&'a str, FieldType)> {
        let kept = self.names.iter().map(String::as_str).filter(|n| !without.contains(n));
        kept.map(|n| (n, if numbers.contains(&n) { FieldType::Number } else { FieldType::Category })).collect()
    }

    fn booleans(&self, fields: &[(&str, FieldType)], answer: &str, yes: &str) -> Result<LabelledRows> {
        let truth = Truth::Boolean(self.column(answer)?.into_iter().map(|v| v == yes).collect());
        self.rows(fields, truth)
    }

    fn labelled(
        &self,
        fields: &[(&str, FieldType)],
        id: impl Fn(&csv::StringRecord) -> u32,
        labels: &LabelSet,
    ) -> Result<LabelledRows> {
        let ids = self.records.iter().map(id).collect();
        self.rows(fields, Truth::Label { ids, labels: labels.clone() })
    }

    fn rows(&self, fields: &[(&str, FieldType)], truth: Truth) -> Result<LabelledRows> {
        let positions = fields.iter().map(|(name, _)| self.position(name)).collect::<Result<Vec<usize>>>()?;
        let mut builder = RowsBuilder::new(fields.iter().map(|(name, kind)| Field::new(*name, *kind)).collect());
        for record in &self.records {
            let cell = |(&position, (_, kind)): (&usize, &(&str, FieldType))| match record[position].trim() {
                "" => Cell::Missing,
                text if *kind == FieldType::Number => text.parse().map_or(Cell::Missing, Cell::Number),
                _ => Cell::Text(&record[position]),
            };
            builder.push(&positions.iter().zip(fields).map(cell).collect::<Vec<_>>())?;
        }
        Ok(LabelledRows { rows: builder.finish(), truth, groups: None })
    }
}

fn label(labels: &LabelSet, name: &str) -> u32 {
    labels.id(name).unwrap_or_default()
}

/// Each answer's probability of each class, and the true class.
fn probabilities<'a>(answers: &'a [Answer], truth: &'a Truth) -> impl Iterator<Item = (Vec<f64>, usize)> + 'a {
    answers.iter().enumerate().map(move |(i, answer)| {
        let probabilities = match answer.scores.as_ref() {
            Some(Scores::Labels(p)) => p.clone(),
            Some(Scores::True(p)) => vec![1.0 - p, *p],
            None => Vec::new(),
        };
        let class = match truth {
            Truth::Label { ids, .. } => ids[i] as usize,
            Truth::Boolean(truths) => usize::from(truths[i]),
            _ => unreachable!("the tables' answers are classes"),
        };
        (probabilities, class)
    })
}

fn accuracy(answers: &[Answer], truth: &Truth) -> f64 {
    let right = answers.iter().enumerate().filter(|(i, answer)| answer.value == truth.value(*i));
    right.count() as f64 / answers.len() as f64
}

fn log_loss(answers: &[Answer], truth: &Truth) -> f64 {
    probabilities(answers, truth).map(|(p, class)| -p[class].max(1e-15).ln()).sum::<f64>() / answers.len() as f64
}

/// The expected calibration error of the probability of true, in fifteen bins of equal width.
fn calibration_error(answers: &[Answer], truth: &Truth) -> f64 {
    const N_BINS: usize = 15;
    let mut gaps = [0.0; N_BINS];
    for (p, class) in probabilities(answers, truth) {
        gaps[((p[1] * N_BINS as f64) as usize).min(N_BINS - 1)] += p[1] - class as f64;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / answers.len() as f64
}

/// The share of pairs of a true and a false row whose probabilities are in order; ties count half.
fn roc_auc(answers: &[Answer], truth: &Truth) -> f64 {
    let mut scored: Vec<(f64, usize)> = probabilities(answers, truth).map(|(p, class)| (p[1], class)).collect();
    scored.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut n_false, mut n_true, mut in_order) = (0.0, 0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        let n_true_here = ties.iter().filter(|(_, class)| *class == 1).count() as f64;
        let n_false_here = ties.len() as f64 - n_true_here;
        in_order += n_true_here * (n_false + n_false_here / 2.0);
        n_true += n_true_here;
        n_false += n_false_here;
    }
    in_order / (n_true * n_false)
}
