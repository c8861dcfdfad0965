//! What a linear model can be told.

use yw_task::AnswerKind;

use crate::{FeaturizerParams, FitError};

/// How a linear model is fitted. The defaults need no tuning on most data.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearParams {
    /// From fields to features.
    pub featurizer: FeaturizerParams,
    /// What is minimised.
    pub loss: LinearLoss,
    /// Strength of the L2 penalty `l2 / 2 · ‖weights‖²` beside the sum of losses over rows: scikit-learn's `1 / C`, or
    /// `alpha` of its `Ridge`. None: chosen among powers of ten by the loss on held-out training rows; 1 for
    /// [`LinearLoss::SquaredHinge`].
    pub l2: Option<f64>,
    /// Whether rare classes weigh more.
    pub class_weight: ClassWeight,
    /// Most Newton steps, or passes over the rows for [`LinearLoss::SquaredHinge`].
    pub max_iterations: usize,
    /// The fit has converged when the optimality conditions of every weight are violated by at most this much, per row.
    pub tolerance: f64,
}

impl Default for LinearParams {
    fn default() -> Self {
        LinearParams {
            featurizer: FeaturizerParams::default(),
            loss: LinearLoss::Auto,
            l2: None,
            class_weight: ClassWeight::None,
            max_iterations: 100,
            tolerance: 1e-3,
        }
    }
}

/// What a linear model minimises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LinearLoss {
    /// Squared error for numbers; squared hinge for three or more labels of rows with text; else logistic.
    #[default]
    Auto,
    /// The negative log-likelihood of the answers: logistic regression for two, softmax for more. Its scores are
    /// probabilities by construction.
    Logistic,
    /// A linear support vector machine, one class against the rest, with the hinge squared. Fast for many labels and
    /// many features. Its scores become probabilities by a temperature that is fitted on held-out training rows. Penalises
    /// the intercept, as LIBLINEAR does; the other losses do not.
    SquaredHinge,
    /// Ridge regression.
    Squared,
}

impl LinearLoss {
    /// Every loss, in the order the reference lists them.
    pub const ALL: [LinearLoss; 4] =
        [LinearLoss::Auto, LinearLoss::Logistic, LinearLoss::SquaredHinge, LinearLoss::Squared];

    /// The word the project file uses.
    pub fn name(self) -> &'static str {
        match self {
            LinearLoss::Auto => "auto",
            LinearLoss::Logistic => "logistic",
            LinearLoss::SquaredHinge => "squared_hinge",
            LinearLoss::Squared => "squared",
        }
    }

    /// The loss a word of the project file names, if any.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }

    /// The loss to use for answers of a kind; never [`LinearLoss::Auto`].
    pub(super) fn resolve(self, kind: AnswerKind, n_classes: usize, has_text: bool) -> Result<Self, FitError> {
        let is_class = match kind {
            AnswerKind::Label | AnswerKind::Boolean => true,
            AnswerKind::Number => false,
            AnswerKind::Text | AnswerKind::Json => return Err(FitError::NotSupported { model: "linear", kind }),
        };
        match self {
            LinearLoss::Auto if !is_class => Ok(LinearLoss::Squared),
            LinearLoss::Auto if has_text && n_classes > 2 => Ok(LinearLoss::SquaredHinge),
            LinearLoss::Auto => Ok(LinearLoss::Logistic),
            LinearLoss::Squared if !is_class => Ok(self),
            LinearLoss::Logistic | LinearLoss::SquaredHinge if is_class => Ok(self),
            _ => Err(FitError::Loss { loss: self.name(), kind }),
        }
    }
}

/// Whether the rows of rare classes weigh more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClassWeight {
    /// All rows weigh the same.
    #[default]
    None,
    /// A class of `n` out of `N` rows and `K` classes weighs `N / (K · n)`, as scikit-learn has it. Probabilities are then
    /// those of a world where all classes are equally frequent.
    Balanced,
}

impl ClassWeight {
    /// The weight of each class. *Shapes*: one class id per row, below `n_classes`, each of which occurs.
    pub(super) fn of_classes(self, class_idxs: &[u32], n_classes: usize) -> Vec<f64> {
        let mut n_rows = vec![0usize; n_classes];
        class_idxs.iter().for_each(|&c| n_rows[c as usize] += 1);
        match self {
            ClassWeight::None => vec![1.0; n_classes],
            ClassWeight::Balanced => {
                n_rows.into_iter().map(|n| class_idxs.len() as f64 / (n_classes * n.max(1)) as f64).collect()
            }
        }
    }
}

impl LinearParams {
    /// Whether every parameter is in its range; those of the featurizer are its own business.
    pub(super) fn check(&self) -> Result<(), FitError> {
        let is_positive = |v: f64| v.is_finite() && v > 0.0;
        if self.l2.is_some_and(|l2| !is_positive(l2)) {
            return Err(FitError::Parameter { name: "l2", expected: "a number above 0" });
        }
        if self.max_iterations == 0 {
            return Err(FitError::Parameter { name: "max_iterations", expected: "at least 1" });
        }
        if !is_positive(self.tolerance) {
            return Err(FitError::Parameter { name: "tolerance", expected: "a number above 0" });
        }
        Ok(())
    }
}
