//! From typed fields to the columns of trees.
//!
//! Trees take numbers as they are, and missing ones too. Categories become levels, booleans 0 and 1, instants the seconds
//! since 1970 with the parts of the calendar, texts the weights of some terms.

use std::sync::Arc;

use arrow_array::{Array, Float64Array, LargeStringArray};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use yw_task::{Column, Field, FieldType, Rows, Truth};
use yw_trees::{Bitmap, Columns, Feature, MISSING_LEVEL};

use super::params::TreesParams;
use super::texts::TextTerms;
use crate::bytes::{Reader, Writer};
use crate::featurize::only_text;
use crate::{FitError, FormatError};

/// The columns of an instant.
const TIME_PARTS: [&str; 5] = ["", " (hour)", " (weekday)", " (day of month)", " (month)"];

/// What the columns of trees are, as learned from training rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TreeColumns {
    fields: Arc<[Field]>,
    /// The levels of each category field, sorted; empty for the others.
    levels: Vec<Levels>,
    texts: Option<TextTerms>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Levels {
    names: Vec<String>,
    ids: FxHashMap<String, u32>,
}

/// Columns that had to be made; those of numbers are borrowed from the rows.
pub(crate) enum OwnColumn {
    Borrowed(usize),
    Numbers(Vec<f32>),
    Seconds(Vec<f64>),
    Levels(Vec<u32>),
}

impl TreeColumns {
    pub(super) fn fit(rows: &Rows, truth: &Truth, params: &TreesParams) -> Result<Self, FitError> {
        let levels = |i: usize| match rows.column(i) {
            Column::Category(array) => Levels::learn(array),
            _ => Levels::default(),
        };
        Ok(TreeColumns {
            fields: rows.fields().clone(),
            levels: (0..rows.fields().len()).map(levels).collect(),
            texts: TextTerms::fit(rows, truth, &params.featurizer, params.max_text_features)?,
        })
    }

    /// Columns without texts, with these levels for each field.
    pub(super) fn of(fields: Arc<[Field]>, levels: Vec<Levels>) -> Self {
        TreeColumns { fields, levels, texts: None }
    }

    pub(super) fn fields(&self) -> &Arc<[Field]> {
        &self.fields
    }

    /// Something for each column, from its field and its place among the field's columns. Terms of texts come last and
    /// belong to the first text.
    pub(super) fn each_column<T>(&self, of: impl Fn(&Field, usize) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for field in self.fields.iter().filter(|f| f.field_type != FieldType::Text) {
            let n = if field.field_type == FieldType::Time { TIME_PARTS.len() } else { 1 };
            all.extend((0..n).map(|place| of(field, place)));
        }
        if let (Some(texts), Some(text)) = (&self.texts, self.fields.iter().find(|f| f.field_type == FieldType::Text)) {
            all.extend((0..texts.len()).map(|place| of(text, place)));
        }
        all
    }

    /// The columns of some fields, by name.
    pub(super) fn of_fields(&self, names: &[String]) -> Vec<usize> {
        let named = self.each_column(|field, _| {
            let is_text = field.field_type == FieldType::Text;
            let any_text = |f: &Field| f.field_type == FieldType::Text && names.contains(&f.name);
            if is_text { self.fields.iter().any(any_text) } else { names.contains(&field.name) }
        });
        (0..named.len()).filter(|&column| named[column]).collect()
    }

    /// What each column is, for people.
    pub(super) fn names(&self) -> Vec<String> {
        let part = |field: &Field, place: usize| {
            let suffix = if field.field_type == FieldType::Time { TIME_PARTS[place] } else { "" };
            format!("{}{suffix}", field.name)
        };
        let mut names = self.each_column(part);
        if let Some(texts) = &self.texts {
            names.truncate(names.len() - texts.len());
            names.extend(texts.names());
        }
        names
    }

    /// The field that each column is made of, by its place; none for the terms of several texts together.
    pub(super) fn column_fields(&self) -> Vec<Option<usize>> {
        self.each_column(|field, _| match field.field_type {
            FieldType::Text => only_text(&self.fields),
            _ => self.fields.iter().position(|f| f.name == field.name),
        })
    }

    /// The columns of rows that had to be made. Panics if the rows have other fields.
    pub(super) fn encode(&self, rows: &Rows) -> Vec<OwnColumn> {
        assert_eq!(**rows.fields(), *self.fields, "rows must have the fields that the model was fitted on");
        let mut columns = Vec::new();
        for (i, levels) in self.levels.iter().enumerate() {
            match rows.column(i) {
                Column::Number(_) => columns.push(OwnColumn::Borrowed(i)),
                Column::Boolean(array) => {
                    let number = |value: Option<bool>| value.map_or(f32::NAN, |v| f32::from(u8::from(v)));
                    columns.push(OwnColumn::Numbers(array.iter().map(number).collect()));
                }
                Column::Category(array) => columns.push(OwnColumn::Levels(levels.encode(array))),
                Column::Time(array) => columns.extend(time_columns(array.iter())),
                Column::Text(_) => {}
            }
        }
        columns.extend(self.texts.iter().flat_map(|texts| texts.encode(rows)).map(OwnColumn::Numbers));
        columns
    }

    pub(super) fn write(&self, out: &mut Writer) {
        for levels in &self.levels {
            out.len(levels.names.len());
            levels.names.iter().for_each(|name| out.str(name));
        }
        if let Some(texts) = &self.texts {
            texts.write(out);
        }
    }

    pub(super) fn read(from: &mut Reader<'_>, fields: Arc<[Field]>) -> Result<Self, FormatError> {
        let read_levels = |_: &Field| {
            let n = from.len(8)?;
            let names = (0..n).map(|_| from.str().map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
            let levels = Levels::of(names);
            match levels.ids.len() == n {
                true => Ok(levels),
                false => Err(FormatError::Damaged { what: "a category has a level twice" }),
            }
        };
        let levels = fields.iter().map(read_levels).collect::<Result<_, _>>()?;
        let has_text = fields.iter().any(|f| f.field_type == FieldType::Text);
        let texts = has_text.then(|| TextTerms::read(from, &fields)).transpose()?;
        Ok(TreeColumns { fields, levels, texts })
    }
}

/// All columns together, as the engine takes them.
pub(super) fn engine_columns<'a>(own: &'a [OwnColumn], rows: &'a Rows) -> Columns<'a> {
    let feature = |column: &'a OwnColumn| match column {
        OwnColumn::Borrowed(field) => {
            let Column::Number(array) = rows.column(*field) else { unreachable!("only numbers are borrowed") };
            borrow(array)
        }
        OwnColumn::Numbers(values) => Feature::F32(values, None),
        OwnColumn::Seconds(values) => Feature::F64(values, None),
        OwnColumn::Levels(levels) => Feature::Levels(levels),
    };
    Columns::new(rows.n_rows(), own.iter().map(feature).collect())
}

fn borrow(array: &Float64Array) -> Feature<'_> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    Feature::F64(array.values(), nulls.map(|nulls| Bitmap::new(nulls.validity(), nulls.offset())))
}

fn time_columns(micros: impl Iterator<Item = Option<i64>> + Clone) -> Vec<OwnColumn> {
    let seconds = micros.clone().map(|value| value.map_or(f64::NAN, |micros| micros as f64 / 1e6)).collect();
    let mut parts = vec![Vec::new(); TIME_PARTS.len() - 1];
    for value in micros {
        let civil = value.and_then(|m| Timestamp::from_microsecond(m).ok()).map(|t| TimeZone::UTC.to_datetime(t));
        let of_row = match civil {
            Some(c) => {
                let weekday = c.weekday().to_monday_zero_offset();
                [f32::from(c.hour()), f32::from(weekday), f32::from(c.day()), f32::from(c.month())]
            }
            None => [f32::NAN; 4],
        };
        parts.iter_mut().zip(of_row).for_each(|(part, value)| part.push(value));
    }
    std::iter::once(OwnColumn::Seconds(seconds)).chain(parts.into_iter().map(OwnColumn::Numbers)).collect()
}

impl Levels {
    pub(super) fn learn(array: &LargeStringArray) -> Self {
        let mut names: Vec<String> =
            array.iter().flatten().collect::<std::collections::BTreeSet<_>>().into_iter().map(str::to_owned).collect();
        names.shrink_to_fit();
        Levels::of(names)
    }

    pub(super) fn of(names: Vec<String>) -> Self {
        let ids = names.iter().cloned().zip(0..).collect();
        Levels { names, ids }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// A level that no training row had gets the number after the last.
    fn encode(&self, array: &LargeStringArray) -> Vec<u32> {
        let unseen = self.names.len() as u32;
        let level =
            |name: Option<&str>| name.map_or(MISSING_LEVEL, |name| self.ids.get(name).copied().unwrap_or(unseen));
        array.iter().map(level).collect()
    }
}
