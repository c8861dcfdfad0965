//! What trees can be told.

use yw_task::{AnswerKind, Field, FieldType};
use yw_trees::Objective;

use super::columns::TreeColumns;
use crate::FeaturizerParams;
use crate::answers::AnswerInfo;
use crate::linear::ClassWeight;

pub use yw_trees::Monotone;

/// How trees are grown over typed fields.
#[derive(Debug, Clone, PartialEq)]
pub struct TreesParams {
    /// How trees are grown. The objective is that of number answers; labels and booleans have their own. Constraints are
    /// given by field, below.
    pub grow: yw_trees::TreesParams,
    /// Whether rare classes weigh more.
    pub class_weight: ClassWeight,
    /// Which way answers may move as a number, boolean or time grows; by field name.
    pub monotone: Vec<(String, Monotone)>,
    /// Groups of fields that may meet on a path through a tree; fields in no group meet nobody. Empty: no limits.
    pub interactions: Vec<Vec<String>>,
    /// From texts to terms.
    pub featurizer: FeaturizerParams,
    /// How many terms of all texts together the trees see at most: those that tell most about the answers.
    pub max_text_features: usize,
}

impl Default for TreesParams {
    fn default() -> Self {
        TreesParams::of(yw_trees::TreesParams::new(Objective::SquaredError))
    }
}

impl TreesParams {
    /// These trees, everything else by default.
    pub fn of(grow: yw_trees::TreesParams) -> Self {
        TreesParams {
            grow,
            class_weight: ClassWeight::None,
            monotone: Vec::new(),
            interactions: Vec::new(),
            featurizer: FeaturizerParams::default(),
            max_text_features: 300,
        }
    }

    /// What the engine is told for these answers and columns.
    pub(super) fn engine(&self, info: &AnswerInfo, columns: &TreeColumns, seed: u64) -> yw_trees::TreesParams {
        let objective = match info.kind {
            AnswerKind::Boolean => Objective::Logistic,
            // One tree a round tells two classes apart.
            AnswerKind::Label if info.n_classes() == 2 => Objective::Logistic,
            AnswerKind::Label => Objective::Softmax { n_classes: info.n_classes() },
            _ => self.grow.objective,
        };
        let interactions = self.interactions.iter().map(|group| columns.of_fields(group)).collect();
        let monotone = if self.monotone.is_empty() { Vec::new() } else { self.monotone_columns(columns) };
        yw_trees::TreesParams { objective, interactions, monotone, seed, ..self.grow.clone() }
    }

    fn monotone_columns(&self, columns: &TreeColumns) -> Vec<Monotone> {
        let of = |field: &Field| {
            let given = self.monotone.iter().find(|(name, _)| *name == field.name);
            given.map_or(Monotone::Free, |(_, monotone)| *monotone)
        };
        // The calendar's parts go up and down while time goes on; a constraint is on time itself, the first column.
        let of_column = |field: &Field, place: usize| {
            if field.field_type == FieldType::Time && place > 0 { Monotone::Free } else { of(field) }
        };
        columns.each_column(of_column)
    }
}
