//! What a learned candidate's scores are made of.

use serde::{Deserialize, Serialize};

/// What a model's scores are made of, on test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationRecord {
    /// What scores and contributions are: `log_odds`, `log_probability`, `probability`, `answer` or `log_answer`.
    pub unit: String,
    /// How many rows this was measured on.
    pub rows: u64,
    /// The features that contribute most, largest first.
    pub features: Vec<FeatureRecord>,
    /// Partial dependence: the mean answer, or probability, by the value of a field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependence: Vec<DependenceRecord>,
    /// Of additive models: what the values of a field contribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<DependenceRecord>,
}

/// What one feature contributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureRecord {
    /// The feature, for people.
    pub feature: String,
    /// The mean magnitude of its contributions, all classes together.
    pub mean_absolute: f64,
}

/// What follows from the values of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependenceRecord {
    /// The field.
    pub field: String,
    /// Those of its values that rows have an answer with, in their order.
    pub values: Vec<serde_json::Value>,
    /// One curve; of labels, one for each of the main ones.
    pub curves: Vec<CurveRecord>,
}

/// What follows for one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurveRecord {
    /// The label; absent for booleans (the curve is of true) and numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The mean over rows, by value.
    pub means: Vec<f64>,
}
