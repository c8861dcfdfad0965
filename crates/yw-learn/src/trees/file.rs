//! Trees that another program has grown.

use yw_task::{AnswerKind, Column, Field, FieldType, LabelledRows};
use yw_trees::{Ensemble, FeatureInfo, ModelFile};

use super::columns::{Levels, TreeColumns};
use super::model::TreesModel;
use crate::FitError;
use crate::answers::AnswerInfo;

impl TreesModel {
    /// The model of a file over the fields of a task: features are found by name, or by place if no name is that of a field.
    ///
    /// Levels that the file does not name are taken to be those of the training rows in order, as pandas numbers them; so
    /// are classes.
    ///
    /// *Errors*: [`FitError::ModelFile`] where features, fields, outputs and answers do not fit together.
    pub(crate) fn from_file(file: &ModelFile, train: &LabelledRows, info: &AnswerInfo) -> Result<Self, FitError> {
        let fields = train.rows.fields();
        if let Some(field) = fields.iter().find(|f| matches!(f.field_type, FieldType::Time | FieldType::Text)) {
            return refused(format!("field `{}` is a {}, which tree files cannot read", field.name, field.field_type));
        }
        check_outputs(&file.ensemble, info)?;
        let fields_of_features = match_features(&file.ensemble.features, fields)?;
        let mut levels = vec![Levels::default(); fields.len()];
        for (feature, &field) in fields_of_features.iter().enumerate() {
            levels[field] = feature_levels(file, feature, train, field)?;
        }
        let info_of = |(field, levels): (&Field, &Levels)| FeatureInfo {
            name: field.name.clone(),
            n_levels: (field.field_type == FieldType::Category).then_some(levels.len() as u32),
        };
        let mut ensemble = file.ensemble.clone();
        ensemble.features = fields.iter().zip(&levels).map(info_of).collect();
        for split in ensemble.trees.iter_mut().flat_map(|tree| &mut tree.splits) {
            split.feature = fields_of_features[split.feature as usize] as u32;
        }
        Ok(TreesModel::of(TreeColumns::of(fields.clone(), levels), ensemble, &train.rows))
    }
}

fn refused<T>(reason: String) -> Result<T, FitError> {
    Err(FitError::ModelFile { reason })
}

fn check_outputs(ensemble: &Ensemble, info: &AnswerInfo) -> Result<(), FitError> {
    let found = ensemble.n_outputs();
    let expected = match info.kind {
        AnswerKind::Label if info.labels.len() == 2 && found == 1 => 1,
        AnswerKind::Label => info.labels.len(),
        AnswerKind::Boolean | AnswerKind::Number => 1,
        kind => return Err(FitError::NotSupported { model: "trees", kind }),
    };
    if found != expected {
        return refused(format!("it has {found} outputs, and the answer needs {expected}"));
    }
    Ok(())
}

/// The field of each feature.
fn match_features(features: &[FeatureInfo], fields: &[Field]) -> Result<Vec<usize>, FitError> {
    let by_name = |feature: &FeatureInfo| fields.iter().position(|field| field.name == feature.name);
    if features.iter().all(|feature| by_name(feature).is_none()) && features.len() == fields.len() {
        return Ok((0..fields.len()).collect());
    }
    let unknown = || fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
    let find = |feature: &FeatureInfo| match by_name(feature) {
        Some(field) => Ok(field),
        None => refused(format!("its feature `{}` is none of the fields {}", feature.name, unknown())),
    };
    features.iter().map(find).collect()
}

fn feature_levels(file: &ModelFile, feature: usize, train: &LabelledRows, field: usize) -> Result<Levels, FitError> {
    let is_category = file.ensemble.features[feature].n_levels.is_some();
    let name = &train.rows.fields()[field].name;
    match (train.rows.column(field), is_category) {
        (Column::Category(array), true) => Ok(match file.level_names.get(feature).and_then(Option::as_ref) {
            Some(names) => Levels::of(names.clone()),
            None => Levels::learn(array),
        }),
        (Column::Category(_), false) => {
            refused(format!("it takes `{name}` for a number; make the field one, or retrain it"))
        }
        (_, true) => refused(format!("it takes `{name}` for a category; make the field one")),
        (_, false) => Ok(Levels::default()),
    }
}
