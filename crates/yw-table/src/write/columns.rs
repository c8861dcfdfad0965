//! Which columns an answer file has, and their values for one batch.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, LargeStringArray, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use yw_task::{Answer, AnswerKind, AnswerSpec, RowError, Scores, Value};

use crate::JSON_ENCODED;

/// The column of the answers.
pub(super) const ANSWER: &str = "answer";

type AnswerResult = Result<Answer, RowError>;

/// The columns of an answer file.
pub(super) struct Columns {
    kind: AnswerKind,
    /// Names of the score columns; empty if they were not asked for.
    score_names: Vec<String>,
    /// All columns, known from the first batch on.
    schema: Option<SchemaRef>,
}

impl Columns {
    pub(super) fn new(spec: &AnswerSpec, scores: bool) -> Self {
        let score_names = match spec.kind {
            AnswerKind::Label if scores => spec.labels.iter().map(|label| format!("score_{label}")).collect(),
            AnswerKind::Boolean if scores => vec!["score_true".to_owned()],
            _ => Vec::new(),
        };
        Columns { kind: spec.kind, score_names, schema: None }
    }

    /// The schema, settled by the first call, and one array for each of its columns.
    pub(super) fn arrays(
        &mut self,
        input: Option<&RecordBatch>,
        answers: &[AnswerResult],
    ) -> (SchemaRef, Vec<ArrayRef>) {
        let (answer_fields, answer_arrays) = self.answer_columns(answers);
        let rename = |field: &Field| {
            let taken = answer_fields.iter().any(|a| a.name() == field.name());
            field.clone().with_nullable(true).with_name(if taken {
                format!("input_{}", field.name())
            } else {
                field.name().clone()
            })
        };
        let input_fields: Vec<Field> =
            input.map(|batch| batch.schema().fields().iter().map(|f| rename(f)).collect()).unwrap_or_default();
        let schema = self
            .schema
            .get_or_insert_with(|| {
                Arc::new(Schema::new(input_fields.iter().cloned().chain(answer_fields).collect::<Vec<_>>()))
            })
            .clone();
        // Columns of later files may come in another order, or be missing.
        let n_input = schema.fields().len() - answer_arrays.len();
        let from_input = |field: &Arc<Field>| {
            let found = input_fields.iter().position(|f| f.name() == field.name());
            match (input, found) {
                (Some(batch), Some(i)) => batch.column(i).clone(),
                _ => new_null_array(field.data_type(), answers.len()),
            }
        };
        let arrays = schema.fields()[..n_input].iter().map(from_input).chain(answer_arrays).collect();
        (schema, arrays)
    }

    /// The first column whose type is not that of the first batch.
    pub(super) fn changed(&self, arrays: &[ArrayRef]) -> Option<String> {
        let fields = self.schema.as_ref()?.fields().iter();
        let changed = fields.zip(arrays).find(|(field, array)| field.data_type() != array.data_type());
        changed.map(|(field, _)| field.name().clone())
    }

    fn answer_columns(&self, answers: &[AnswerResult]) -> (Vec<Field>, Vec<ArrayRef>) {
        let answer = self.answer_array(answers);
        let metadata = if self.kind == AnswerKind::Json {
            HashMap::from([(JSON_ENCODED.to_owned(), "true".to_owned())])
        } else {
            HashMap::new()
        };
        let good = |result: &AnswerResult| result.as_ref().ok().and_then(Answer::confidence);
        let mut fields = vec![
            Field::new(ANSWER, answer.data_type().clone(), true).with_metadata(metadata),
            Field::new("confidence", DataType::Float64, true),
        ];
        let mut arrays = vec![answer, Arc::new(answers.iter().map(good).collect::<Float64Array>()) as ArrayRef];
        for (i, name) in self.score_names.iter().enumerate() {
            fields.push(Field::new(name, DataType::Float64, true));
            arrays.push(Arc::new(answers.iter().map(|result| score(result, i)).collect::<Float64Array>()));
        }
        fields.push(Field::new("error", DataType::LargeUtf8, true));
        let error = |result: &AnswerResult| result.as_ref().err().map(|e| e.message.clone());
        arrays.push(Arc::new(answers.iter().map(error).collect::<LargeStringArray>()));
        (fields, arrays)
    }

    /// Booleans and numbers as such, everything else as text.
    fn answer_array(&self, answers: &[AnswerResult]) -> ArrayRef {
        let values = answers.iter().map(|result| result.as_ref().ok().map(|answer| &answer.value));
        match self.kind {
            AnswerKind::Boolean => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
                Some(Value::Boolean(b)) => Some(*b),
                _ => None,
            }))),
            AnswerKind::Number => Arc::new(Float64Array::from_iter(values.map(|value| match value {
                Some(Value::Number(n)) => Some(*n),
                _ => None,
            }))),
            AnswerKind::Label | AnswerKind::Text | AnswerKind::Json => {
                Arc::new(LargeStringArray::from_iter(values.map(|value| value.map(Value::to_string))))
            }
        }
    }
}

fn score(result: &AnswerResult, i: usize) -> Option<f64> {
    match result.as_ref().ok()?.scores.as_ref()? {
        Scores::Labels(scores) => scores.get(i).copied(),
        Scores::True(score) => Some(*score),
    }
}
