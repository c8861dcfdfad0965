//! Fields that give the answer away: most often columns that were filled in after the answer was known.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};
use yw_task::{Column, Rows, Truth};

/// A field that gives the answer away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giveaway {
    /// The field's name.
    pub field: String,
    /// How.
    pub kind: GiveawayKind,
}

/// How a field gives the answer away, the most blatant way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GiveawayKind {
    /// It is the answer, in every row.
    Equal,
    /// Each of its values goes with one answer and each answer with one value, and values repeat.
    OneToOne,
    /// Each of its values goes with one answer, in at least 50 rows with at least five rows a value on average.
    Determines,
    /// Both are numbers, and one is a linear function of the other (|r| > 0.999999).
    Linear,
}

/// Every field that gives the answer away, in field order. Answers that are all the same are given away by nothing.
pub(super) fn giveaways(rows: &Rows, truth: &Truth) -> Vec<Giveaway> {
    let Some(answers) = answer_codes(truth).filter(|answers| answers.n_distinct > 1) else { return Vec::new() };
    let giveaway = |(i, field): (usize, &yw_task::Field)| {
        let column = rows.column(i);
        let kind = if is_equal(column, truth) {
            GiveawayKind::Equal
        } else if let Some(kind) = dependence(&field_codes(column), &answers) {
            kind
        } else if is_linear(column, truth) {
            GiveawayKind::Linear
        } else {
            return None;
        };
        Some(Giveaway { field: field.name.clone(), kind })
    };
    rows.fields().iter().enumerate().filter_map(giveaway).collect()
}

/// Small numbers for equal values.
struct Codes {
    codes: Vec<u32>,
    n_distinct: usize,
}

impl Codes {
    fn of<T: Hash + Eq>(values: impl Iterator<Item = T>) -> Self {
        let mut known = FxHashMap::default();
        let codes = values
            .map(|value| {
                let next = known.len() as u32;
                *known.entry(value).or_insert(next)
            })
            .collect();
        Codes { codes, n_distinct: known.len() }
    }
}

/// A missing value is a value like any other.
fn field_codes(column: Column<'_>) -> Codes {
    match column {
        Column::Number(values) => Codes::of(values.iter().map(|n| n.map(|n| (n + 0.0).to_bits()))),
        Column::Boolean(values) => Codes::of(values.iter()),
        Column::Category(values) | Column::Text(values) => Codes::of(values.iter()),
        Column::Time(values) => Codes::of(values.iter()),
    }
}

fn answer_codes(truth: &Truth) -> Option<Codes> {
    match truth {
        Truth::Label { ids, .. } => Some(Codes::of(ids.iter())),
        Truth::Boolean(values) => Some(Codes::of(values.iter())),
        Truth::Number(values) => Some(Codes::of(values.iter().map(|n| (n + 0.0).to_bits()))),
        Truth::Text(values) => Some(Codes::of(values.iter())),
        Truth::Json(_) => None,
    }
}

fn is_equal(column: Column<'_>, truth: &Truth) -> bool {
    match (column, truth) {
        (Column::Category(values) | Column::Text(values), Truth::Label { ids, labels }) => {
            values.iter().zip(ids).all(|(value, id)| value.is_some_and(|v| v.trim() == &**labels.name(*id)))
        }
        (Column::Category(values) | Column::Text(values), Truth::Text(answers)) => {
            values.iter().zip(answers).all(|(value, answer)| value.is_some_and(|v| v.trim() == answer.trim()))
        }
        (Column::Boolean(values), Truth::Boolean(answers)) => {
            values.iter().zip(answers).all(|(value, answer)| value == Some(*answer))
        }
        (Column::Number(values), Truth::Boolean(answers)) => {
            values.iter().zip(answers).all(|(value, answer)| value == Some(f64::from(*answer)))
        }
        (Column::Number(values), Truth::Number(answers)) => {
            values.iter().zip(answers).all(|(value, answer)| value == Some(*answer))
        }
        _ => false,
    }
}

/// Too few rows a value would find this everywhere: a field that is different in every row goes with any answer.
fn dependence(values: &Codes, answers: &Codes) -> Option<GiveawayKind> {
    const MIN_ROWS: usize = 50;
    const MIN_ROWS_PER_VALUE: usize = 5;
    let n_rows = values.codes.len();
    if n_rows < 2 * values.n_distinct {
        return None;
    }
    let n_pairs = values.codes.iter().zip(&answers.codes).collect::<FxHashSet<_>>().len();
    if n_pairs > values.n_distinct {
        None
    } else if n_pairs == answers.n_distinct {
        Some(GiveawayKind::OneToOne)
    } else {
        (n_rows >= MIN_ROWS && n_rows >= MIN_ROWS_PER_VALUE * values.n_distinct).then_some(GiveawayKind::Determines)
    }
}

fn is_linear(column: Column<'_>, truth: &Truth) -> bool {
    let (Column::Number(values), Truth::Number(answers)) = (column, truth) else { return false };
    let pairs: Vec<(f64, f64)> = values.iter().zip(answers).filter_map(|(v, a)| Some((v?, *a))).collect();
    if pairs.len() < 3 || pairs.len() < answers.len() {
        return false;
    }
    let n = pairs.len() as f64;
    let (mean_v, mean_a) = (pairs.iter().map(|p| p.0 / n).sum::<f64>(), pairs.iter().map(|p| p.1 / n).sum::<f64>());
    let (mut vv, mut aa, mut va) = (0.0, 0.0, 0.0);
    for (v, a) in pairs {
        vv += (v - mean_v) * (v - mean_v);
        aa += (a - mean_a) * (a - mean_a);
        va += (v - mean_v) * (a - mean_a);
    }
    vv > 0.0 && aa > 0.0 && va.abs() / (vv.sqrt() * aa.sqrt()) > 0.999_999
}
