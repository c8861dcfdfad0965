//! A task's data: read, split, and cut into what candidates learn from and what they are scored on.

use std::path::Path;

use yw_config::{CostsSpec, DataSpec, TaskSpec, TestSpec};
use yw_table::{AnswerColumn, Source, SplitBy, SplitSpec, Table, TableError, TableSpec};
use yw_task::{AnswerSpec, Field, LabelSet, LabelledRows, Rows, Truth};

/// The labelled rows of a task and how they are split.
pub struct TaskData {
    /// What answers look like; labels are those of the rows that candidates may learn from.
    pub answer: AnswerSpec,
    /// Pairs of rows to learn from and rows to be scored on. One, or one per fold.
    pub splits: Vec<DataSplit>,
    /// With folds: every row, for the predictor that ships.
    pub all: Option<LabelledRows>,
    /// Content hash of everything that was read.
    pub fingerprint: String,
    /// What was left out or looks odd, as sentences.
    pub notes: Vec<String>,
}

/// One pair of rows to learn from and rows to be scored on.
pub struct DataSplit {
    /// What candidates learn from.
    pub train: LabelledRows,
    /// What they are scored on.
    pub test: LabelledRows,
}

/// Why a task's data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file cannot be read as the table it must be.
    #[error("cannot read the {part} data of task `{task}`")]
    Table {
        /// The task.
        task: String,
        /// `training` or `test`.
        part: &'static str,
        /// What is wrong.
        #[source]
        source: TableError,
    },
    /// The rows cannot be split as the task says.
    #[error("cannot split the data of task `{task}`")]
    Split {
        /// The task.
        task: String,
        /// Why.
        #[source]
        source: yw_table::SplitError,
    },
}

/// Where a data entry of the project file points.
pub fn source_of(spec: &DataSpec, project_dir: &Path) -> Source {
    Source {
        addresses: spec.addresses.clone(),
        base_dir: project_dir.to_owned(),
        delimiter: spec.delimiter.map(|c| c as u8),
    }
}

/// The columns that a task reads from its labelled data.
pub fn table_spec_of(task: &TaskSpec) -> TableSpec {
    let answer =
        AnswerColumn { name: task.answer.name.clone(), kind: task.answer.kind, fields: task.answer.fields.clone() };
    let mut extra: Vec<String> = task.group.iter().cloned().collect();
    if let TestSpec::Fraction { by, .. } | TestSpec::Folds { by, .. } = &task.test
        && let yw_config::SplitBy::Time(column) | yw_config::SplitBy::Group(column) = by
        && !extra.contains(column)
    {
        extra.push(column.clone());
    }
    TableSpec { fields: task.fields.clone(), answer: Some(answer), extra }
}

impl TaskData {
    /// Reads and splits the data of `task`; addresses are relative to `project_dir`.
    pub async fn load(task: &TaskSpec, project_dir: &Path) -> Result<TaskData, DataError> {
        let spec = table_spec_of(task);
        let read = async |data: &DataSpec, part| {
            let source = source_of(data, project_dir);
            let table = yw_table::read(&source, &spec).await;
            table.map_err(|source| DataError::Table { task: task.name.clone(), part, source })
        };
        let train = read(&task.train, "training").await?;
        match &task.test {
            TestSpec::Data(data) => {
                let test = read(data, "test").await?;
                TaskData::from_two(task, train, test)
            }
            TestSpec::Fraction { fraction, by } => {
                TaskData::from_one(task, train, SplitSpec::Fraction { fraction: *fraction, by: split_by(by) })
            }
            TestSpec::Folds { folds, by } => {
                TaskData::from_one(task, train, SplitSpec::Folds { folds: *folds, by: split_by(by) })
            }
        }
    }

    /// How many rows candidates learn from: all of them, with folds.
    pub fn n_train(&self) -> usize {
        self.all.as_ref().map_or_else(|| self.splits.iter().map(|s| s.train.n_rows()).sum(), LabelledRows::n_rows)
    }

    /// How many rows candidates are scored on.
    pub fn n_test(&self) -> usize {
        self.splits.iter().map(|s| s.test.n_rows()).sum()
    }

    /// The input fields.
    pub fn fields(&self) -> &[Field] {
        self.splits[0].train.rows.fields()
    }

    /// The test rows of all splits, one after the other, with one truth.
    pub fn test_rows(&self) -> LabelledRows {
        if let [split] = self.splits.as_slice() {
            return split.test.clone();
        }
        let batches: Vec<Rows> = self.splits.iter().map(|s| s.test.rows.clone()).collect();
        let groups: Option<Vec<Vec<u32>>> = self.splits.iter().map(|s| s.test.groups.clone()).collect();
        LabelledRows {
            rows: Rows::concat(&batches).expect("there is a split"),
            truth: concat_truth(self.splits.iter().map(|s| &s.test.truth)),
            groups: groups.map(|g| g.concat()),
        }
    }

    fn from_two(task: &TaskSpec, train: Table, test: Table) -> Result<TaskData, DataError> {
        let mut notes = notes(&train, Some(&test));
        let mut hash = blake3::Hasher::new();
        hash.update(&train.fingerprint).update(&test.fingerprint);
        let (train, test) = (labelled(task, train)?, labelled(task, test)?);
        let answer = answer_spec(task, &train.truth);
        let test = LabelledRows { truth: yw_table::align(test.truth, &answer.labels), ..test };
        notes.extend(unknown_costs(task, &test.truth));
        Ok(TaskData {
            answer,
            splits: vec![DataSplit { train, test }],
            all: None,
            fingerprint: hash.finalize().to_hex().to_string(),
            notes,
        })
    }

    fn from_one(task: &TaskSpec, table: Table, spec: SplitSpec) -> Result<TaskData, DataError> {
        let splits = yw_table::split(&table, &spec, task.seed)
            .map_err(|source| DataError::Split { task: task.name.clone(), source })?;
        let mut notes = notes(&table, None);
        let fingerprint = blake3::Hash::from_bytes(table.fingerprint).to_hex().to_string();
        let all = labelled(task, table)?;
        notes.extend(unknown_costs(task, &all.truth));
        let folds = matches!(spec, SplitSpec::Folds { .. });
        // With a single split, the candidates know the labels of their training rows only; a test row with another
        // label is one that nobody can get right.
        let learnable = match splits.as_slice() {
            [split] if !folds => relabel(all.truth.take(&split.train)),
            _ => all.truth.clone(),
        };
        let answer = answer_spec(task, &learnable);
        let align = |rows: LabelledRows| LabelledRows { truth: yw_table::align(rows.truth, &answer.labels), ..rows };
        let cut = |split: yw_table::Split| DataSplit {
            train: within_labels(align(all.take(&split.train)), &answer.labels),
            test: align(all.take(&split.test)),
        };
        Ok(TaskData {
            splits: splits.into_iter().map(cut).collect(),
            all: folds.then(|| all.clone()),
            answer,
            fingerprint,
            notes,
        })
    }
}

fn split_by(by: &yw_config::SplitBy) -> SplitBy {
    match by {
        yw_config::SplitBy::Random => SplitBy::Random,
        yw_config::SplitBy::Time(column) => SplitBy::Time(column.clone()),
        yw_config::SplitBy::Group(column) => SplitBy::Group(column.clone()),
    }
}

/// Rows with truth and groups; `table` was read with an answer column.
fn labelled(task: &TaskSpec, table: Table) -> Result<LabelledRows, DataError> {
    let column = task.group.clone().or_else(|| match &task.test {
        TestSpec::Fraction { by: yw_config::SplitBy::Group(column), .. }
        | TestSpec::Folds { by: yw_config::SplitBy::Group(column), .. } => Some(column.clone()),
        _ => None,
    });
    let groups = column.map(|c| yw_table::group_ids(&table, &c)).transpose();
    let groups = groups.map_err(|source| DataError::Split { task: task.name.clone(), source })?;
    Ok(LabelledRows { rows: table.rows, truth: table.truth.expect("read with an answer column"), groups })
}

fn answer_spec(task: &TaskSpec, learnable: &Truth) -> AnswerSpec {
    let labels = match learnable {
        Truth::Label { labels, .. } => labels.clone(),
        _ => LabelSet::default(),
    };
    AnswerSpec { name: task.answer.name.clone(), kind: task.answer.kind, labels, fields: task.answer.fields.clone() }
}

/// The same truth with only the labels that occur in it.
fn relabel(truth: Truth) -> Truth {
    match truth {
        Truth::Label { ids, labels } => {
            let present = LabelSet::sorted(ids.iter().map(|&id| labels.name(id)));
            yw_table::align(Truth::Label { ids, labels }, &present)
        }
        other => other,
    }
}

/// Training rows whose truth names no label beyond `labels`, which holds every label they have.
fn within_labels(rows: LabelledRows, labels: &LabelSet) -> LabelledRows {
    match rows.truth {
        Truth::Label { ids, .. } => LabelledRows { truth: Truth::Label { ids, labels: labels.clone() }, ..rows },
        _ => rows,
    }
}

fn concat_truth<'a>(parts: impl Iterator<Item = &'a Truth>) -> Truth {
    let mut parts = parts.cloned();
    let mut whole = parts.next().expect("there is a split");
    for part in parts {
        match (&mut whole, part) {
            // Every split's labels begin with the learnable ones, and with folds there are no others.
            (Truth::Label { ids, .. }, Truth::Label { ids: more, .. }) => ids.extend(more),
            (Truth::Boolean(v), Truth::Boolean(more)) => v.extend(more),
            (Truth::Number(v), Truth::Number(more)) => v.extend(more),
            (Truth::Text(v), Truth::Text(more)) => v.extend(more),
            (Truth::Json(v), Truth::Json(more)) => v.extend(more),
            _ => unreachable!("parts of one table have one kind"),
        }
    }
    whole
}

/// The labels that the task's costs name and no row has, one sentence each; `truth` knows the labels of all rows.
fn unknown_costs(task: &TaskSpec, truth: &Truth) -> Vec<String> {
    let (Some(CostsSpec::Label(pairs)), Truth::Label { labels, .. }) = (&task.costs, truth) else { return Vec::new() };
    let named = LabelSet::sorted(pairs.iter().flat_map(|pair| [&pair.truth, &pair.answer]));
    let unknown = named.iter().filter(|label| labels.id(label).is_none());
    unknown.map(|label| format!("`costs` names the label `{label}`, which no row has")).collect()
}

fn notes(train: &Table, test: Option<&Table>) -> Vec<String> {
    let part = |name: &str, table: &Table| {
        let n = table.problems.n_rows();
        (n > 0).then(|| format!("{n} {name} rows were left out; `yw check` lists them"))
    };
    part("training", train).into_iter().chain(test.and_then(|t| part("test", t))).collect()
}
