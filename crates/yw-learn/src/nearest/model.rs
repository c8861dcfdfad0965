//! Answers from the training rows nearby.

use yw_task::{Answer, LabelledRows, Rows, Scores, Truth, Value};

use super::index::{NearestRows, Neighbour};
use super::params::{Distance, NearestParams, VoteWeights};
use crate::answers::{AnswerInfo, class_shares, read_truth, write_truth};
use crate::bytes::{Reader, Writer};
use crate::featurize::Featurizer;
use crate::{FitError, FormatError};

/// How many neighbours' votes the class frequencies of the training rows count as. They keep a class that no neighbour
/// has from being declared impossible.
const PRIOR_VOTES: f64 = 0.5;

/// What columns may count beside texts, whose n-grams have length one per row. Which of these is best is learned.
const COLUMN_SCALES: [f32; 4] = [0.0, 0.1, 0.3, 1.0];

/// Training rows that the scale of the columns is learned from.
const MAX_ROWS_TO_SCALE_BY: usize = 1000;

/// How fast votes fall with the squared distance, relative to that of the farthest neighbour.
const DECAY: f64 = 4.0;

/// A fitted nearest-neighbour model: the training rows themselves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NearestModel {
    pub(crate) index: NearestRows,
    truth: Truth,
    /// The share of training rows of each class; empty where answers are no classes.
    class_shares: Vec<f64>,
    k: usize,
    distance: Distance,
    weights: VoteWeights,
}

impl NearestModel {
    pub(crate) fn fit(train: &LabelledRows, params: &NearestParams, info: &AnswerInfo) -> Result<Self, FitError> {
        if params.k == 0 {
            return Err(FitError::Parameter { name: "k", expected: "at least 1" });
        }
        let featurizer = Featurizer::fit(&train.rows, &params.featurizer)?;
        let with_scale = |scale: f32| {
            let truth = train.truth.clone();
            NearestModel {
                index: NearestRows::of(featurizer.clone().with_column_scale(scale), &train.rows),
                class_shares: class_shares(&truth, info),
                truth,
                k: params.k,
                distance: params.distance,
                weights: params.weights,
            }
        };
        if !featurizer.mixes_texts_and_columns() || train.n_rows() < 2 {
            return Ok(with_scale(1.0));
        }
        let models = COLUMN_SCALES.map(with_scale);
        let losses = models.each_ref().map(|model| model.loss_without_self(train, info));
        let best = (0..models.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
        Ok(models.into_iter().nth(best).unwrap_or_else(|| with_scale(1.0)))
    }

    /// How far off the answers to training rows are, when each is answered by the others: the mean log loss of classes, the
    /// mean squared error of numbers, the share of other texts. Looks at some thousand rows at most.
    fn loss_without_self(&self, train: &LabelledRows, info: &AnswerInfo) -> f64 {
        let step = train.n_rows().div_ceil(MAX_ROWS_TO_SCALE_BY);
        let row_idxs: Vec<usize> = (0..train.n_rows()).step_by(step).collect();
        let neighbours = self.index.neighbours(&train.rows.take(&row_idxs), self.k + 1, self.distance);
        let loss = |(&row_idx, near): (&usize, &Vec<Neighbour>)| {
            let others: Vec<Neighbour> = near.iter().filter(|n| n.row_idx != row_idx).take(self.k).copied().collect();
            let answer = self.answer(&others, info);
            match (&answer.scores, &train.truth) {
                (Some(Scores::Labels(p)), Truth::Label { ids, .. }) => -p[ids[row_idx] as usize].ln(),
                (Some(Scores::True(p)), Truth::Boolean(truth)) => -(if truth[row_idx] { *p } else { 1.0 - p }).ln(),
                (_, truth) => match (&answer.value, truth.value(row_idx)) {
                    (Value::Number(given), Value::Number(truth)) => (given - truth) * (given - truth),
                    (given, truth) => f64::from(u8::from(*given != truth)),
                },
            }
        };
        row_idxs.iter().zip(&neighbours).map(loss).sum::<f64>() / row_idxs.len() as f64
    }

    pub(crate) fn featurizer(&self) -> &Featurizer {
        &self.index.featurizer
    }

    pub(crate) fn answers(&self, rows: &Rows, info: &AnswerInfo) -> Vec<Answer> {
        // Texts and objects cannot be averaged: the nearest row's stands for all.
        let k = if matches!(self.truth, Truth::Text(_) | Truth::Json(_)) { 1 } else { self.k };
        let neighbours = self.index.neighbours(rows, k, self.distance);
        neighbours.iter().map(|near| self.answer(near, info)).collect()
    }

    fn answer(&self, near: &[Neighbour], info: &AnswerInfo) -> Answer {
        let votes = self.votes(near);
        match &self.truth {
            Truth::Label { ids, .. } => self.vote(near, &votes, |i| ids[i] as usize, info),
            Truth::Boolean(truths) => self.vote(near, &votes, |i| usize::from(truths[i]), info),
            Truth::Number(numbers) => {
                let total: f64 = votes.iter().sum();
                let mean = near.iter().zip(&votes).map(|(n, vote)| numbers[n.row_idx] * (vote / total)).sum::<f64>();
                Answer::new(Value::Number(mean.clamp(f64::MIN, f64::MAX)))
            }
            Truth::Text(_) | Truth::Json(_) => Answer::new(self.truth.value(near[0].row_idx)),
        }
    }

    /// What each neighbour's vote counts: a bell curve over the distance, as wide as the neighbourhood and one for the
    /// nearest row, so that the prior does not outvote neighbours that are all far away.
    fn votes(&self, near: &[Neighbour]) -> Vec<f64> {
        // One minus the cosine is half a squared distance, so both kinds of distance are squares here.
        let distance = |n: Option<&Neighbour>| n.map_or(0.0, |n| f64::from(n.distance));
        let (nearest, farthest) = (distance(near.first()), distance(near.last()));
        let vote = |n: &Neighbour| match self.weights {
            VoteWeights::Distance if farthest > 0.0 => (-DECAY * (f64::from(n.distance) - nearest) / farthest).exp(),
            _ => 1.0,
        };
        near.iter().map(vote).collect()
    }

    fn vote(&self, near: &[Neighbour], votes: &[f64], class_of: impl Fn(usize) -> usize, info: &AnswerInfo) -> Answer {
        let total = votes.iter().sum::<f64>() + PRIOR_VOTES;
        let mut probabilities: Vec<f64> = self.class_shares.iter().map(|share| share * PRIOR_VOTES / total).collect();
        for (neighbour, vote) in near.iter().zip(votes) {
            probabilities[class_of(neighbour.row_idx)] += vote / total;
        }
        info.class_answer(probabilities)
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        self.index.write(out);
        write_truth(&self.truth, out);
        out.u64(self.k as u64);
        out.bool(self.distance == Distance::Cosine);
        out.bool(self.weights == VoteWeights::Uniform);
    }

    pub(crate) fn read(from: &mut Reader<'_>, featurizer: Featurizer, info: &AnswerInfo) -> Result<Self, FormatError> {
        let index = NearestRows::read(from, featurizer)?;
        let truth = read_truth(from, info)?;
        let k = usize::try_from(from.u64()?).unwrap_or(usize::MAX);
        if truth.len() != index.n_rows() || k == 0 {
            return Err(FormatError::Damaged { what: "there is not one answer per stored row" });
        }
        let distance = if from.bool()? { Distance::Cosine } else { Distance::Euclidean };
        let weights = if from.bool()? { VoteWeights::Uniform } else { VoteWeights::Distance };
        let class_shares = class_shares(&truth, info);
        Ok(NearestModel { index, truth, class_shares, k, distance, weights })
    }
}
