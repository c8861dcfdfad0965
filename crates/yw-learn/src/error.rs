//! Why a fit gives no model, and why bytes are not one.

use yw_task::AnswerKind;

/// Why the training rows and parameters give no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There is nothing to learn from.
    #[error("there are no training rows")]
    NoRows,
    /// Every training row has the same answer, so that nothing tells answers apart.
    #[error("all training rows have the answer `{answer}`: there is nothing to tell apart")]
    OneClass {
        /// The one answer.
        answer: String,
    },
    /// This kind of model cannot give this kind of answer.
    #[error("a {model} model cannot answer with a {kind}")]
    NotSupported {
        /// The model, in the words of the project file.
        model: &'static str,
        /// The kind of answer.
        kind: AnswerKind,
    },
    /// The loss does not go with the kind of answer.
    #[error("the loss `{loss}` does not go with the answer type {kind}")]
    Loss {
        /// The loss, in the words of the project file.
        loss: &'static str,
        /// The kind of answer.
        kind: AnswerKind,
    },
    /// Trees cannot be grown on these rows.
    #[error(transparent)]
    Trees(yw_trees::FitError),
    /// A model file does not fit the task.
    #[error("the model file does not fit the task: {reason}")]
    ModelFile {
        /// Why not.
        reason: String,
    },
    /// A parameter is outside its range.
    #[error("`{name}` must be {expected}")]
    Parameter {
        /// The parameter, in the words of the project file.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// Why bytes are not a model that this program can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They do not begin as a model does.
    #[error("this is not a Yellowwood model")]
    NotAModel,
    /// They were written by a later version of the program.
    #[error("the model has format version {found}; this program reads versions up to {supported}")]
    Version {
        /// The version in the bytes.
        found: u32,
        /// The latest version that can be read.
        supported: u32,
    },
    /// There are fewer or more bytes than the model says of itself.
    #[error("the model should have {expected} bytes but has {found}: it was cut off or appended to")]
    Length {
        /// What the header says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The bytes are not the ones that were written.
    #[error("the model's checksum does not match: it is damaged")]
    Checksum,
    /// The content contradicts itself.
    #[error("the model is damaged: {what}")]
    Damaged {
        /// Which part makes no sense.
        what: &'static str,
    },
}
