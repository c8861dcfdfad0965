//! The ask road: a prompted foundation model as a recipe and a predictor.
//!
//! Fitting picks the examples (and, for nearest ones, indexes the training rows). Predicting renders the prompt of
//! each row, calls the model under the provider's concurrency, and parses the typed answer; an answer that breaks the
//! type is asked for once more, with the reason. What may be answered is also told to the provider as a JSON schema.

mod examples;
mod files;
mod predictor;
mod prompt;
mod schema;

use std::path::PathBuf;
use std::sync::Arc;

use yw_config::{AskSpec, Examples};
use yw_gateway::{Budget, Gateway};
use yw_task::{AnswerSpec, BoxFuture, FitContext, FitError, Fitted, LabelledRows, Recipe, Rows};

use crate::learned::on_compute;

use examples::ExamplePicker;
pub(crate) use files::{ASK_FILE, load};
use predictor::AskPredictor;
use prompt::PromptTemplate;
use schema::AnswerSchema;

/// Tokens that one answer may have unless the project file says otherwise. Answers are short; the hidden reasoning that
/// some models put before them is not.
const MAX_TOKENS: u32 = 2048;

/// How models are reached, and where what was found out at some cost is kept.
#[derive(Clone)]
pub struct Asking {
    /// The way to every provider.
    pub gateway: Arc<Gateway>,
    /// What may be spent at most; shared by all candidates of a run.
    pub budget: Option<Arc<Budget>>,
    /// The folder of the trials of tuning, so that a search that was interrupted goes on; none keeps them nowhere.
    pub tunings: Option<PathBuf>,
}

/// A model to ask.
pub(crate) struct AskRecipe {
    pub(crate) question: String,
    pub(crate) answer: AnswerSpec,
    pub(crate) spec: AskSpec,
    /// The rows of `examples = { fixed = … }`, read before.
    pub(crate) fixed_examples: Option<LabelledRows>,
    pub(crate) prompt: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) asking: Asking,
}

impl Recipe for AskRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            self.reachable()?;
            let predictor = self.predictor(train, context.seed).await?;
            renders(&predictor, &train.rows)?;
            let mut fitted = Fitted::new(predictor);
            context.progress.advance(train.n_rows() as u64);
            let model = &self.spec.model;
            if self.asking.gateway.price(model).is_none() {
                fitted.notes.push(format!(
                    "{model} has no known price and counts as free; if it is not, add [price.\"{model}\"] with input and output"
                ));
            }
            Ok(fitted)
        })
    }
}

/// A template that renders none of the first rows is the candidate's mistake, told once and not by every row.
fn renders(predictor: &AskPredictor, rows: &Rows) -> Result<(), FitError> {
    let mut wrong = None;
    for row_idx in 0..rows.n_rows().min(8) {
        match predictor.request(&rows.slice(row_idx, 1)) {
            Ok(_) => return Ok(()),
            Err(e) => wrong = Some(FitError::Data { reason: e.to_string() }),
        }
    }
    wrong.map_or(Ok(()), Err)
}

impl AskRecipe {
    /// The predictor with its examples; also what an estimate renders its prompts with.
    pub(crate) async fn predictor(&self, train: &LabelledRows, seed: u64) -> Result<AskPredictor, FitError> {
        let unusable = |reason: String| FitError::Data { reason };
        Ok(AskPredictor {
            question: self.question.clone(),
            schema: AnswerSchema::new(self.answer.clone()),
            template: PromptTemplate::new(self.system.clone(), self.prompt.clone())
                .map_err(|e| unusable(e.to_string()))?,
            examples: self.examples(train, seed).await.map_err(|e| unusable(e.to_string()))?,
            model: self.spec.model.clone(),
            temperature: self.spec.temperature,
            max_tokens: self.spec.max_tokens.unwrap_or(MAX_TOKENS),
            timeout: self.spec.timeout,
            asking: self.asking.clone(),
        })
    }

    /// The examples to show, from the training rows or from the file given for them.
    async fn examples(&self, train: &LabelledRows, seed: u64) -> Result<ExamplePicker, yw_learn::FitError> {
        Ok(match (&self.spec.examples, &self.fixed_examples) {
            (Examples::None, _) | (Examples::Fixed(_), None) => ExamplePicker::None,
            (Examples::Fixed(_), Some(rows)) => ExamplePicker::All(rows.clone()),
            (Examples::Random(k), _) => ExamplePicker::random(train, *k as usize, seed),
            (Examples::Nearest(k), _) => {
                let (pool, k) = (train.clone(), *k as usize);
                on_compute(move || ExamplePicker::nearest(pool, k)).await?
            }
        })
    }

    /// A candidate whose provider has no key is skipped before anything is paid for the others.
    pub(crate) fn reachable(&self) -> Result<(), FitError> {
        let model = &self.spec.model;
        let provider = &model.provider;
        let gateway = &self.asking.gateway;
        let skipped = |reason| Err(FitError::Skipped { reason });
        if !gateway.has_provider(provider) {
            return skipped(format!("provider `{provider}` is not known; add [provider.{provider}] with its base_url"));
        }
        if let Some(variable) = gateway.key_missing(provider) {
            return skipped(format!("set {variable} to ask {model}"));
        }
        if self.asking.budget.is_some() && gateway.price(model).is_none() {
            return skipped(format!(
                "{model} has no known price, so a money limit cannot be kept; add [price.\"{model}\"] with input and output"
            ));
        }
        Ok(())
    }
}
