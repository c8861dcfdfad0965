//! From rows to answers, and from model to bytes.

use yw_task::{Answer, AnswerKind, Rows, Value};

use super::weights::Weights;
use super::{LinearModel, Link};
use crate::answers::AnswerInfo;
use crate::bytes::{Reader, Writer};
use crate::featurize::{CHUNK_ROWS, Featurizer};
use crate::parallel::map_chunks;
use crate::probability::{sigmoid, softmax};
use crate::{FitSummary, FormatError};

impl LinearModel {
    pub(crate) fn answers(&self, rows: &Rows, info: &AnswerInfo) -> Vec<Answer> {
        self.featurizer.check_fields(rows);
        let chunks = map_chunks(rows.n_rows(), CHUNK_ROWS, |range| {
            let features = self.featurizer.transform_range(rows, range);
            let mut lanes = Vec::new();
            let answer = |i| self.link.answer(self.weights.scores(features.row(i), &mut lanes), info);
            (0..features.n_rows()).map(answer).collect::<Vec<Answer>>()
        });
        chunks.into_iter().flatten().collect()
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.featurizer.write(out);
        self.link.write(out);
        self.weights.write(out);
        self.summary.write(out);
        out.bool(self.means.is_some());
        self.means.iter().for_each(|means| out.f32s(means));
    }

    pub(crate) fn read(from: &mut Reader<'_>, featurizer: Featurizer, info: &AnswerInfo) -> Result<Self, FormatError> {
        let link = Link::read(from, info)?;
        let weights = Weights::read(from, featurizer.n_features(), featurizer.n_dense())?;
        if weights.n_outputs() != link.n_outputs() {
            return Err(FormatError::Damaged { what: "the number of outputs is not that of the labels" });
        }
        let summary = FitSummary::read(from)?;
        // Versions before 3 had no means.
        let means = (from.version() > 2 && from.bool()?).then(|| from.f32s()).transpose()?;
        if means.as_ref().is_some_and(|means| means.len() != featurizer.n_features()) {
            return Err(FormatError::Damaged { what: "the number of means is not that of the features" });
        }
        Ok(LinearModel { featurizer, weights, link, means, summary })
    }
}

impl Link {
    fn n_outputs(&self) -> usize {
        match self {
            Link::Sigmoid { .. } | Link::Number { .. } => 1,
            Link::Softmax { label_ids, .. } => label_ids.len(),
        }
    }

    fn answer(&self, scores: &[f32], info: &AnswerInfo) -> Answer {
        match self {
            Link::Sigmoid { label_ids: [no, yes] } => {
                let p = sigmoid(f64::from(scores[0]));
                let mut probabilities = vec![0.0; info.n_classes()];
                probabilities[*no as usize] = 1.0 - p;
                probabilities[*yes as usize] = p;
                info.class_answer(probabilities)
            }
            Link::Softmax { label_ids, sharpness } => {
                let mut own: Vec<f64> = scores.iter().map(|s| sharpness * f64::from(*s)).collect();
                softmax(&mut own);
                if own.len() == info.n_classes() {
                    return info.class_answer(own);
                }
                let mut probabilities = vec![0.0; info.n_classes()];
                label_ids.iter().zip(own).for_each(|(&id, p)| probabilities[id as usize] = p);
                info.class_answer(probabilities)
            }
            Link::Number { mean, deviation } => {
                let number = mean + deviation * f64::from(scores[0]);
                Answer::new(Value::Number(number.clamp(f64::MIN, f64::MAX)))
            }
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Link::Sigmoid { label_ids } => {
                out.u8(0);
                out.u32s(label_ids);
            }
            Link::Softmax { label_ids, sharpness } => {
                out.u8(1);
                out.u32s(label_ids);
                out.f64(*sharpness);
            }
            Link::Number { mean, deviation } => {
                out.u8(2);
                out.f64(*mean);
                out.f64(*deviation);
            }
        }
    }

    fn read(from: &mut Reader<'_>, info: &AnswerInfo) -> Result<Self, FormatError> {
        let damaged = FormatError::Damaged { what: "the answers are not of the model's kind" };
        let are_labels =
            |ids: &[u32]| ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|&id| (id as usize) < info.n_classes());
        match (from.u8()?, info.kind) {
            (0, AnswerKind::Label | AnswerKind::Boolean) => {
                let label_ids: [u32; 2] = from.u32s()?.try_into().map_err(|_| damaged.clone())?;
                are_labels(&label_ids).then_some(Link::Sigmoid { label_ids }).ok_or(damaged)
            }
            (1, AnswerKind::Label | AnswerKind::Boolean) => {
                let (label_ids, sharpness) = (from.u32s()?, from.f64()?);
                let is_sound = are_labels(&label_ids) && label_ids.len() > 1 && sharpness > 0.0;
                is_sound.then_some(Link::Softmax { label_ids, sharpness }).ok_or(damaged)
            }
            (2, AnswerKind::Number) => Ok(Link::Number { mean: from.f64()?, deviation: from.f64()? }),
            _ => Err(damaged),
        }
    }
}
