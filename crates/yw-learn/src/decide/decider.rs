//! What is done to a model's probabilities before they are an answer.

use yw_task::{Answer, LabelSet, Scores, Value};

use super::{DecisionObjective, DecisionRule, TunedRule};
use crate::bytes::{Header, Writer};
use crate::{Calibrator, ChosenCalibrator, FormatError, HeldOut};

const HEADER: Header = Header { magic: *b"YWDECIDE", version: 1 };

/// A calibrator and a decision rule: what stands between the probabilities of any model and its answers.
///
/// ```
/// use yw_learn::{Costs, Decider, DecisionObjective, HeldOut};
/// use yw_task::{Answer, LabelSet, Scores, Value};
///
/// // Probabilities of false and true that a model gave to rows it had not learned from, and whether they were true.
/// let truths: Vec<u32> = (0..200).map(|i| u32::from(i % 10 == 0)).collect();
/// let probabilities: Vec<f64> = truths.iter().flat_map(|&t| if t == 1 { [0.7, 0.3] } else { [0.9, 0.1] }).collect();
/// let costs = DecisionObjective::Cost(Costs::of_mistakes(1.0, 25.0)?);
/// let decider = Decider::learn(&HeldOut::new(&probabilities, &truths, 2), Some(&costs), 0).decider;
///
/// let answer = Answer::new(Value::Boolean(false)).with_scores(Scores::True(0.3));
/// assert_eq!(decider.decide(answer, &LabelSet::default()).value, Value::Boolean(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Decider {
    n_classes: usize,
    calibrator: Calibrator,
    rule: DecisionRule,
}

/// A decider, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedDecider {
    /// The decider.
    pub decider: Decider,
    /// How the ways to calibrate compared.
    pub calibration: ChosenCalibrator,
    /// What tuning brought, if there was an objective.
    pub tuning: Option<TunedRule>,
}

impl Decider {
    /// Puts the two together. None if one of them is not for so many classes.
    pub fn new(n_classes: usize, calibrator: Calibrator, rule: DecisionRule) -> Option<Self> {
        let suits = calibrator.suits(n_classes) && rule.suits(n_classes);
        suits.then_some(Decider { n_classes, calibrator, rule })
    }

    /// Chooses a calibrator ([`Calibrator::choose`]) and tunes a rule on what it gives ([`DecisionRule::tune`]). Without an
    /// objective the most probable class is the answer. The calibrator has seen the rows that the rule is tuned on, so that what
    /// tuning promises is a little too good where the calibrator is flexible and rows are few; measure on test rows.
    ///
    /// # Panics
    ///
    /// If there are costs for another number of classes.
    pub fn learn(held_out: &HeldOut<'_>, objective: Option<&DecisionObjective>, seed: u64) -> LearnedDecider {
        let n_classes = held_out.n_classes();
        let calibration = Calibrator::choose(held_out, seed);
        let tuning = objective.map(|objective| {
            let calibrated = held_out.calibrated(&calibration.calibrator);
            DecisionRule::tune(&held_out.with_probabilities(&calibrated), objective, seed)
        });
        let rule = tuning.as_ref().map_or(DecisionRule::Largest, |tuned| tuned.rule.clone());
        let decider = Decider { n_classes, calibrator: calibration.calibrator.clone(), rule };
        LearnedDecider { decider, calibration, tuning }
    }

    /// How many classes there are: labels, or two for booleans. Check it against the task's after loading.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// What corrects the probabilities.
    pub fn calibrator(&self) -> &Calibrator {
        &self.calibrator
    }

    /// What chooses the class.
    pub fn rule(&self) -> &DecisionRule {
        &self.rule
    }

    /// Calibrates the probabilities of one row and chooses its class. *Shape*: one probability per class.
    ///
    /// Panics if there are not [`n_classes`](Self::n_classes).
    pub fn apply(&self, probabilities: &mut [f64]) -> usize {
        self.calibrator.apply(probabilities);
        self.rule.apply(probabilities)
    }

    /// Gives an answer of a model its calibrated probabilities and the value that follows from them. An answer without
    /// probabilities stays what it is.
    ///
    /// Panics if it has not [`n_classes`](Self::n_classes) probabilities.
    pub fn decide(&self, answer: Answer, labels: &LabelSet) -> Answer {
        match answer.scores {
            Some(Scores::True(p)) => {
                let mut probabilities = [1.0 - p, p];
                let class = self.apply(&mut probabilities);
                Answer::new(Value::Boolean(class == 1)).with_scores(Scores::True(probabilities[1]))
            }
            Some(Scores::Labels(mut probabilities)) => {
                let class = self.apply(&mut probabilities);
                let value = Value::Label(labels.name(class as u32).clone());
                Answer::new(value).with_scores(Scores::Labels(probabilities))
            }
            None => answer,
        }
    }

    /// The decider as bytes. The same decider gives the same bytes; the layout is in this crate's README.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_header_space();
        out.len(self.n_classes);
        self.calibrator.write(&mut out);
        self.rule.write(&mut out);
        HEADER.seal(out)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// *Errors*: bytes that are no decider, of a later version, cut off, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut from = HEADER.open(bytes)?;
        let n_classes = usize::try_from(from.u64()?).unwrap_or(usize::MAX);
        let (calibrator, rule) = (Calibrator::read(&mut from)?, DecisionRule::read(&mut from)?);
        if !from.is_empty() {
            return Err(FormatError::Damaged { what: "something follows the decision rule" });
        }
        let mismatch = FormatError::Damaged { what: "calibrator and decision rule are for other classes" };
        Decider::new(n_classes, calibrator, rule).ok_or(mismatch)
    }
}
