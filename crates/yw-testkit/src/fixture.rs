//! Small seeded data sets, one for each kind of answer that both roads can give.

mod houses;
mod payments;
mod tickets;

use std::fmt::Write;
use std::sync::Arc;

use yw_task::{
    AnswerKind, AnswerSpec, Cell, Field, FieldType, LabelSet, LabelledRows, Rows, RowsBuilder, Truth, Value,
};

use crate::request::last_word;

/// Labelled rows, made from a seed: as CSV, as JSON lines, or as the product's own types.
///
/// The text field of every row ends with a mark like `T-17`, unlike any other row's, so that prompts can be traced back
/// to their rows ([`truth_in`](Fixture::truth_in), [`Script::row_prefix`](crate::Script::row_prefix)). The rows can be
/// learnt, not perfectly, and some cells are missing.
#[derive(Debug, Clone)]
pub struct Fixture {
    question: &'static str,
    mark_prefix: &'static str,
    fields: Arc<[Field]>,
    answer: &'static str,
    kind: AnswerKind,
    records: Vec<Record>,
}

#[derive(Debug, Clone)]
struct Record {
    mark: usize,
    cells: Vec<Datum>,
    truth: Value,
}

/// A [`Cell`] that owns its text.
#[derive(Debug, Clone)]
enum Datum {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(String),
    Time(i64),
}

impl Datum {
    fn cell(&self) -> Cell<'_> {
        match self {
            Datum::Missing => Cell::Missing,
            Datum::Number(n) => Cell::Number(*n),
            Datum::Boolean(b) => Cell::Boolean(*b),
            Datum::Text(text) => Cell::Text(text),
            Datum::Time(micros) => Cell::Time(*micros),
        }
    }
}

impl Fixture {
    /// Support tickets and the team that handles them: `subject` and `body` (text), `plan` (category), `seats` (number)
    /// → `team` (label: account, billing, technical). Marks start with `T-`.
    pub fn tickets(n_rows: usize, seed: u64) -> Self {
        tickets::generate(n_rows, seed)
    }

    /// Payments and whether they were disputed, about one in six: `at` (time), `amount` (number), `country` (category),
    /// `first_order` (boolean), `note` (text) → `disputed` (boolean). In order of time. Marks start with `P-`.
    pub fn payments(n_rows: usize, seed: u64) -> Self {
        payments::generate(n_rows, seed)
    }

    /// Houses and their price in thousands: `area` and `rooms` (number), `district` (category), `remarks` (text) →
    /// `price` (number). Marks start with `H-`.
    pub fn houses(n_rows: usize, seed: u64) -> Self {
        houses::generate(n_rows, seed)
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.records.len()
    }

    /// The input fields.
    pub fn fields(&self) -> &Arc<[Field]> {
        &self.fields
    }

    /// What answers look like; the labels are those of these rows.
    pub fn answer(&self) -> AnswerSpec {
        AnswerSpec { name: self.answer.to_owned(), kind: self.kind, labels: self.labels(), fields: Vec::new() }
    }

    /// What the marks of these rows start with.
    pub fn mark_prefix(&self) -> &'static str {
        self.mark_prefix
    }

    /// The first `n_rows` rows and the others.
    pub fn split_at(&self, n_rows: usize) -> (Fixture, Fixture) {
        let (first, others) = self.records.split_at(n_rows.min(self.n_rows()));
        let part = |records: &[Record]| Fixture { records: records.to_vec(), ..self.clone() };
        (part(first), part(others))
    }

    /// The right answer, as JSON, of the row whose mark stands last in `text`: what a perfect model would say.
    pub fn truth_in(&self, text: &str) -> Option<serde_json::Value> {
        let mark = last_word(text, self.mark_prefix)?;
        let number: usize = mark.strip_prefix(self.mark_prefix)?.parse().ok()?;
        self.records.iter().find(|r| r.mark == number).map(|r| r.truth.to_json())
    }

    /// The rows without their answers.
    pub fn rows(&self) -> Rows {
        let mut builder = RowsBuilder::new(self.fields.clone());
        for record in &self.records {
            let cells: Vec<Cell<'_>> = record.cells.iter().map(Datum::cell).collect();
            builder.push(&cells).expect("a fixture's cells fit its fields");
        }
        builder.finish()
    }

    /// The rows with their answers.
    pub fn labelled(&self) -> LabelledRows {
        let labels = self.labels();
        let truths = || self.records.iter().map(|r| &r.truth);
        let truth = match self.kind {
            AnswerKind::Label => {
                let id = |v: &Value| if let Value::Label(name) = v { labels.id(name) } else { None };
                Truth::Label { ids: truths().filter_map(id).collect(), labels: labels.clone() }
            }
            AnswerKind::Boolean => Truth::Boolean(truths().map(|v| *v == Value::Boolean(true)).collect()),
            _ => {
                Truth::Number(truths().filter_map(|v| if let Value::Number(n) = v { Some(*n) } else { None }).collect())
            }
        };
        LabelledRows { rows: self.rows(), truth, groups: None }
    }

    /// The rows and their answers as CSV with a header; missing values are empty.
    pub fn csv(&self) -> String {
        let names = self.fields.iter().map(|f| f.name.as_str()).chain([self.answer]);
        let mut csv = names.collect::<Vec<_>>().join(",") + "\n";
        for record in &self.records {
            let values = record.cells.iter().map(|d| d.cell().to_json()).chain([record.truth.to_json()]);
            let line = values.map(|v| csv_field(&v)).collect::<Vec<_>>().join(",");
            let _ = writeln!(csv, "{line}");
        }
        csv
    }

    /// The rows and their answers as JSON lines; missing values are null.
    pub fn json_lines(&self) -> String {
        let line = |record: &Record| {
            let names = self.fields.iter().map(|f| f.name.clone()).chain([self.answer.to_owned()]);
            let values = record.cells.iter().map(|d| d.cell().to_json()).chain([record.truth.to_json()]);
            serde_json::Value::Object(names.zip(values).collect()).to_string() + "\n"
        };
        self.records.iter().map(line).collect()
    }

    /// The head of a project file: a task of this name over the files `train` and `test`, without candidates.
    pub fn task_toml(&self, task: &str, train: &str, test: &str) -> String {
        let fields: Vec<String> = self.fields.iter().map(|f| format!("{} = \"{}\"", f.name, f.field_type)).collect();
        format!(
            "[task.{task}]\nquestion = \"{}\"\ninput = {{ {} }}\nanswer = {{ {} = \"{}\" }}\ntrain = \"{train}\"\ntest = \"{test}\"\n",
            self.question,
            fields.join(", "),
            self.answer,
            self.kind,
        )
    }

    fn labels(&self) -> LabelSet {
        LabelSet::sorted(self.records.iter().filter_map(|r| match &r.truth {
            Value::Label(name) => Some(name.clone()),
            _ => None,
        }))
    }
}

fn fields(of: &[(&str, FieldType)]) -> Arc<[Field]> {
    of.iter().map(|(name, field_type)| Field::new(*name, *field_type)).collect()
}

fn csv_field(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Fixture; 3] {
        [Fixture::tickets(200, 1), Fixture::payments(200, 1), Fixture::houses(200, 1)]
    }

    #[test]
    fn seeds_decide_everything() {
        assert_eq!(Fixture::tickets(50, 3).csv(), Fixture::tickets(50, 3).csv());
        assert_ne!(Fixture::tickets(50, 3).csv(), Fixture::tickets(50, 4).csv());
        assert!(Fixture::houses(50, 3).csv().starts_with(&Fixture::houses(20, 3).csv()));
    }

    #[test]
    fn every_row_is_found_by_its_mark() {
        for fixture in all() {
            let labelled = fixture.labelled();
            assert_eq!(labelled.n_rows(), 200);
            for row_idx in 0..200 {
                let text = labelled.rows.row_json(row_idx);
                let text = serde_json::to_string(&text).unwrap();
                assert_eq!(fixture.truth_in(&text), Some(labelled.truth.value(row_idx).to_json()), "{text}");
            }
        }
    }

    #[test]
    fn files_hold_every_row() {
        for fixture in all() {
            assert_eq!(fixture.json_lines().lines().count(), 200);
            assert_eq!(fixture.csv().lines().count(), 201, "no fixture has line breaks in its cells");
        }
        assert!(Fixture::tickets(200, 1).csv().contains("\"\""), "some cells need quotes");
    }

    #[test]
    fn some_cells_are_missing_and_no_answer_is_rare() {
        for fixture in all() {
            let missing = fixture.records.iter().flat_map(|r| &r.cells).filter(|d| matches!(d, Datum::Missing)).count();
            assert!((5..100).contains(&missing), "{missing}");
        }
        let disputed = match Fixture::payments(600, 5).labelled().truth {
            Truth::Boolean(v) => v.iter().filter(|d| **d).count(),
            other => panic!("{other:?}"),
        };
        assert!((60..150).contains(&disputed), "{disputed}");
        assert_eq!(Fixture::tickets(60, 2).answer().labels.len(), 3);
    }

    #[test]
    fn parts_keep_their_marks() {
        let (first, others) = Fixture::tickets(10, 7).split_at(6);
        assert_eq!((first.n_rows(), others.n_rows()), (6, 4));
        assert!(first.truth_in("T-6").is_some() && first.truth_in("T-7").is_none());
        assert!(others.truth_in("about T-7").is_some());
    }
}
