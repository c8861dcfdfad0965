//! From typed fields to numeric features, learned on training rows only.

mod category;
mod columns;
mod matrix;
mod number;
mod params;
mod target;
mod text;
mod time;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, LargeStringArray};
use yw_task::{Column, Field, FieldType, Rows};

use self::category::CategoryEncoder;
use self::matrix::SparseEntries;
use self::number::{BooleanEncoder, NumberEncoder};
use self::target::TargetEncoder;
use self::text::{TextEncoder, TextScratch};
use self::time::TimeEncoder;
use crate::bytes::{Reader, Writer};
use crate::folds::Folds;
use crate::parallel::map_chunks;
use crate::{FitError, FormatError};

pub(crate) use self::columns::SparseColumns;
pub use self::matrix::{FeatureMatrix, FeatureRow};
pub use self::params::{CategoryParams, FeaturizerParams, Impute, NumberParams, TextParams};
pub(crate) use self::target::Responses;

/// Rows that one thread transforms at a time.
pub(crate) const CHUNK_ROWS: usize = 256;

/// Where levels are encoded by their mean answers, those of at least so many rows have a feature of their own instead: rows
/// enough to learn a weight that takes the other fields into account.
const OWN_FEATURE_ROWS: usize = 50;

/// Turns rows into features, in the way it learned from training rows.
///
/// A row's features depend on that row and on the training rows alone. They are always finite: unseen levels, unknown
/// words, missing and extreme values are all provided for.
#[derive(Debug, Clone, PartialEq)]
pub struct Featurizer {
    fields: Arc<[Field]>,
    /// One per field; none for texts, which are encoded together.
    encoders: Vec<Option<Encoder>>,
    /// The last features.
    texts: Option<TextEncoder>,
    /// What features other than those of texts are multiplied with.
    column_scale: f32,
    n_dense: usize,
    n_features: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Encoder {
    Number(NumberEncoder),
    Boolean(BooleanEncoder),
    Category {
        levels: CategoryEncoder,
        /// Only of many levels, and only where the answers are known.
        target: Option<TargetEncoder>,
    },
    Time(TimeEncoder),
}

impl Featurizer {
    /// Learns from training rows what their fields' features are.
    ///
    /// *Errors*: [`FitError::Parameter`] for an n-gram range that is none.
    pub fn fit(rows: &Rows, params: &FeaturizerParams) -> Result<Self, FitError> {
        params.check()?;
        let encoders = (0..rows.fields().len()).map(|i| Encoder::fit(rows.column(i), params)).collect();
        let columns = text_columns(rows);
        let texts = (!columns.is_empty()).then(|| TextEncoder::fit(rows.n_rows(), &columns, &params.text));
        Ok(Featurizer::new(rows.fields().clone(), encoders, texts, 1.0))
    }

    /// Learns from training rows and their answers, and gives the rows' features: a category of many levels also has the
    /// mean answer of its level, which for a training row is that of the rows outside its fold.
    ///
    /// *Errors*: as [`fit`](Self::fit).
    pub(crate) fn fit_to_answers(
        rows: &Rows,
        params: &FeaturizerParams,
        responses: &Responses,
        folds: &Folds,
    ) -> Result<(Self, FeatureMatrix), FitError> {
        let Featurizer { fields, mut encoders, texts, column_scale, .. } = Featurizer::fit(rows, params)?;
        let mut out_of_fold = Vec::new();
        for (i, encoder) in encoders.iter_mut().enumerate() {
            if let (Some(Encoder::Category { levels, target }), Column::Category(array)) = (encoder, rows.column(i))
                && let Some((own, encoder, values)) = encoded(array, &params.category, responses, folds)
            {
                (*levels, *target) = (own, Some(encoder));
                out_of_fold.push((i, values));
            }
        }
        let featurizer = Featurizer::new(fields, encoders, texts, column_scale);
        let mut features = featurizer.transform(rows);
        for (i, values) in out_of_fold {
            let before = featurizer.encoders[..i].iter().flatten().map(Encoder::n_dense).sum();
            features.set_dense(before, &values);
        }
        Ok((featurizer, features))
    }

    fn new(
        fields: Arc<[Field]>,
        encoders: Vec<Option<Encoder>>,
        texts: Option<TextEncoder>,
        column_scale: f32,
    ) -> Self {
        let n_dense = encoders.iter().flatten().map(Encoder::n_dense).sum();
        let n_sparse: usize = encoders.iter().flatten().map(Encoder::n_sparse).sum();
        let n_text = texts.as_ref().map_or(0, TextEncoder::n_features);
        Featurizer { fields, encoders, texts, column_scale, n_dense, n_features: n_dense + n_sparse + n_text }
    }

    /// The same features, with those that are not of texts multiplied with `scale`: how much a column counts beside a
    /// text where distances are measured.
    pub(crate) fn with_column_scale(self, scale: f32) -> Self {
        Featurizer { column_scale: scale, ..self }
    }

    /// Whether there are texts and other columns, so that their scale matters.
    pub(crate) fn mixes_texts_and_columns(&self) -> bool {
        self.texts.is_some() && self.encoders.iter().any(Option::is_some)
    }

    /// The features of rows. Panics if they do not have the [`fields`](Self::fields) of the training rows.
    pub fn transform(&self, rows: &Rows) -> FeatureMatrix {
        self.check_fields(rows);
        let parts = map_chunks(rows.n_rows(), CHUNK_ROWS, |range| self.transform_range(rows, range));
        FeatureMatrix::concat(self.n_dense, self.n_features, parts)
    }

    /// Panics if the rows do not have the fields of the training rows.
    pub(crate) fn check_fields(&self, rows: &Rows) {
        assert_eq!(**rows.fields(), *self.fields, "rows must have the fields that the model was fitted on");
    }

    /// The features of some rows, on the calling thread.
    pub(crate) fn transform_range(&self, rows: &Rows, range: Range<usize>) -> FeatureMatrix {
        let mut matrix = FeatureMatrix::new(self.n_dense, self.n_features);
        let columns: Vec<Column<'_>> = (0..self.fields.len()).map(|i| rows.column(i)).collect();
        let texts = text_columns(rows);
        let mut scratch = TextScratch::default();
        for row_idx in range {
            matrix.push_row(|dense, sparse| {
                let (start, mut offset, mut first_sparse) = (sparse.len(), 0, self.n_dense);
                for (encoder, column) in self.encoders.iter().zip(&columns) {
                    let Some(encoder) = encoder else { continue };
                    let own = &mut dense[offset..offset + encoder.n_dense()];
                    encoder.encode(*column, row_idx, own, first_sparse, sparse);
                    offset += encoder.n_dense();
                    first_sparse += encoder.n_sparse();
                }
                if self.column_scale != 1.0 {
                    dense.iter_mut().for_each(|value| *value *= self.column_scale);
                    sparse.scale(start, self.column_scale);
                }
                if let Some(encoder) = &self.texts {
                    encoder.encode(&texts, row_idx, first_sparse, sparse, &mut scratch);
                }
            });
        }
        matrix
    }

    /// The fields of the training rows.
    pub fn fields(&self) -> &Arc<[Field]> {
        &self.fields
    }

    /// How many features there are.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// What each feature is, for people: `seats`, `plan = free`, `body: "refund"`.
    pub fn feature_names(&self) -> Vec<String> {
        let pairs = || self.encoders.iter().zip(self.fields.iter()).filter_map(|(e, f)| Some((e.as_ref()?, f)));
        let dense = pairs().flat_map(|(encoder, field)| encoder.dense_names(&field.name));
        let sparse = pairs().flat_map(|(encoder, field)| encoder.sparse_names(&field.name));
        let texts: Vec<&str> =
            self.fields.iter().filter(|f| f.field_type == FieldType::Text).map(|f| f.name.as_str()).collect();
        let ngrams = self.texts.iter().flat_map(|encoder| encoder.names(&texts.join(", ")));
        dense.chain(sparse).chain(ngrams).collect()
    }

    /// The field that each feature is made of, by its place; none for those of several text fields together.
    pub(crate) fn feature_fields(&self) -> Vec<Option<usize>> {
        let encoders = || self.encoders.iter().enumerate().filter_map(|(i, encoder)| Some((i, encoder.as_ref()?)));
        let dense = encoders().flat_map(|(i, encoder)| std::iter::repeat_n(Some(i), encoder.n_dense()));
        let sparse = encoders().flat_map(|(i, encoder)| std::iter::repeat_n(Some(i), encoder.n_sparse()));
        let n_text = self.texts.as_ref().map_or(0, TextEncoder::n_features);
        dense.chain(sparse).chain(std::iter::repeat_n(only_text(&self.fields), n_text)).collect()
    }

    pub(crate) fn n_dense(&self) -> usize {
        self.n_dense
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.encoders.iter().flatten().for_each(|encoder| encoder.write(out));
        self.texts.iter().for_each(|encoder| encoder.write(out));
        out.f32s(&[self.column_scale]);
    }

    pub(crate) fn read(from: &mut Reader<'_>, fields: Arc<[Field]>) -> Result<Self, FormatError> {
        let encoders = fields.iter().map(|f| Encoder::read(from, f.field_type)).collect::<Result<_, _>>()?;
        let has_text = fields.iter().any(|f| f.field_type == FieldType::Text);
        let texts = has_text.then(|| TextEncoder::read(from)).transpose()?;
        match from.f32s()?.as_slice() {
            [scale] if scale.is_finite() => Ok(Featurizer::new(fields, encoders, texts, *scale)),
            _ => Err(FormatError::Damaged { what: "the scale of the columns is no number" }),
        }
    }
}

impl Encoder {
    /// None for texts.
    fn fit(column: Column<'_>, params: &FeaturizerParams) -> Option<Self> {
        Some(match column {
            Column::Number(array) => Encoder::Number(NumberEncoder::fit(array.iter(), params.number.impute)),
            Column::Boolean(array) => Encoder::Boolean(BooleanEncoder::fit(array.iter())),
            Column::Category(array) => {
                Encoder::Category { levels: CategoryEncoder::fit(array.iter(), &params.category), target: None }
            }
            Column::Time(array) => Encoder::Time(TimeEncoder::fit(array.iter())),
            Column::Text(_) => return None,
        })
    }

    fn n_dense(&self) -> usize {
        match self {
            Encoder::Number(encoder) => encoder.n_features(),
            Encoder::Boolean(encoder) => encoder.n_features(),
            Encoder::Time(encoder) => encoder.n_dense(),
            Encoder::Category { target, .. } => target.as_ref().map_or(0, TargetEncoder::n_features),
        }
    }

    fn n_sparse(&self) -> usize {
        match self {
            Encoder::Category { levels, .. } => levels.n_features(),
            Encoder::Time(encoder) => encoder.n_sparse(),
            Encoder::Number(_) | Encoder::Boolean(_) => 0,
        }
    }

    fn encode(
        &self,
        column: Column<'_>,
        row_idx: usize,
        dense: &mut [f32],
        first_sparse: usize,
        sparse: &mut SparseEntries,
    ) {
        match (self, column) {
            (Encoder::Number(encoder), Column::Number(array)) => {
                encoder.encode(array.is_valid(row_idx).then(|| array.value(row_idx)), dense);
            }
            (Encoder::Boolean(encoder), Column::Boolean(array)) => {
                encoder.encode(array.is_valid(row_idx).then(|| array.value(row_idx)), dense);
            }
            (Encoder::Category { levels, target }, Column::Category(array)) => {
                let value = array.is_valid(row_idx).then(|| array.value(row_idx));
                if let Some(i) = levels.encode(value) {
                    sparse.push(first_sparse + i, 1.0);
                }
                if let Some(target) = target {
                    target.encode(value, dense);
                }
            }
            (Encoder::Time(encoder), Column::Time(array)) => {
                encoder.encode(array.is_valid(row_idx).then(|| array.value(row_idx)), dense, first_sparse, sparse);
            }
            _ => unreachable!("the fields were compared, and a column has its field's type"),
        }
    }

    fn dense_names(&self, field: &str) -> Vec<String> {
        match self {
            Encoder::Number(encoder) => encoder.names(field),
            Encoder::Boolean(encoder) => encoder.names(field),
            Encoder::Time(encoder) => encoder.dense_names(field),
            Encoder::Category { target, .. } => target.iter().flat_map(|target| target.names(field)).collect(),
        }
    }

    fn sparse_names(&self, field: &str) -> Vec<String> {
        match self {
            Encoder::Category { levels, .. } => levels.names(field),
            Encoder::Time(encoder) => encoder.sparse_names(field),
            Encoder::Number(_) | Encoder::Boolean(_) => Vec::new(),
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Encoder::Number(encoder) => encoder.write(out),
            Encoder::Boolean(encoder) => encoder.write(out),
            Encoder::Category { levels, target } => {
                levels.write(out);
                out.bool(target.is_some());
                target.iter().for_each(|target| target.write(out));
            }
            Encoder::Time(encoder) => encoder.write(out),
        }
    }

    /// None for texts.
    fn read(from: &mut Reader<'_>, field_type: FieldType) -> Result<Option<Self>, FormatError> {
        Ok(Some(match field_type {
            FieldType::Number => Encoder::Number(NumberEncoder::read(from)?),
            FieldType::Boolean => Encoder::Boolean(BooleanEncoder::read(from)?),
            FieldType::Category => {
                let levels = CategoryEncoder::read(from)?;
                // Version 1 had no mean answers.
                let has_target = from.version() > 1 && from.bool()?;
                Encoder::Category { levels, target: has_target.then(|| TargetEncoder::read(from)).transpose()? }
            }
            FieldType::Time => Encoder::Time(TimeEncoder::read(from)?),
            FieldType::Text => return Ok(None),
        }))
    }
}

/// A category of many levels in two parts, and the features of its training rows: frequent levels have a feature of their
/// own, the others their mean answers.
///
/// No level has both. A row's encoding knows its level's other answers, and the level's own feature knows all of them:
/// together they give the row's own answer away, and a model would learn just that.
fn encoded(
    array: &LargeStringArray,
    params: &CategoryParams,
    responses: &Responses,
    folds: &Folds,
) -> Option<(CategoryEncoder, TargetEncoder, Vec<f32>)> {
    let min_rows = params.min_rows.max(OWN_FEATURE_ROWS);
    let own = CategoryEncoder::fit(array.iter(), &CategoryParams { min_rows, ..params.clone() });
    let has_own = |level: &str| own.has_own(level);
    let (target, values) = TargetEncoder::fit(array.iter(), has_own, responses, folds, params.target_encode_above)?;
    Some((own, target, values))
}

/// The place of the text field, if there is exactly one.
pub(crate) fn only_text(fields: &[Field]) -> Option<usize> {
    let mut texts = (0..fields.len()).filter(|&i| fields[i].field_type == FieldType::Text);
    texts.next().filter(|_| texts.next().is_none())
}

/// The columns of the text fields, in field order.
fn text_columns(rows: &Rows) -> Vec<&LargeStringArray> {
    let text = |i| match rows.column(i) {
        Column::Text(array) => Some(array),
        _ => None,
    };
    (0..rows.fields().len()).filter_map(text).collect()
}
