//! What a run would cost: every prompt is rendered, and nothing is asked.

use yw_config::{Project, TaskSpec};
use yw_llm::{TokenUsage, estimate_request_tokens, estimate_tokens};
use yw_task::{FitError, ModelRef, Usd};

use crate::ask::{AskRecipe, Asking};
use crate::candidate::candidates;
use crate::cascade::n_tuning_rows;
use crate::data::{DataSplit, TaskData};
use crate::run::RunError;

/// What one candidate would consume by asking one model, if every row were asked once.
///
/// What another candidate has asked already, in the same words, is in the store and costs nothing; that is not reckoned.
#[derive(Debug, Clone)]
pub struct AskEstimate {
    /// The candidate.
    pub candidate: String,
    /// The model it asks.
    pub model: ModelRef,
    /// How many rows it would ask about. For a cascade: if it had to ask about all of them, and about those that it
    /// tunes its threshold on.
    pub rows: usize,
    /// Tokens of all prompts together, estimated from their text.
    pub input_tokens: u64,
    /// Tokens of all answers together, if they are like the training answers.
    pub output_tokens: u64,
    /// What that costs; none if the model has no known price.
    pub usd: Option<Usd>,
    /// What would keep the candidate from running, a missing key for example.
    pub obstacle: Option<String>,
}

/// Estimates every candidate of `task` that asks; a cascade of two that ask comes twice.
pub async fn estimate(project: &Project, task: &TaskSpec, asking: &Asking) -> Result<Vec<AskEstimate>, RunError> {
    let data = TaskData::load(task, &project.dir).await?;
    let mut estimates = Vec::new();
    for candidate in candidates(task, &data.answer, asking).await? {
        for ask in &candidate.asks {
            estimates.push(estimate_one(&candidate.name, ask, candidate.tunes, &data, task.seed).await);
        }
    }
    Ok(estimates)
}

async fn estimate_one(candidate: &str, ask: &AskRecipe, tunes: bool, data: &TaskData, seed: u64) -> AskEstimate {
    let tuned_on = |n_train: usize| if tunes { n_tuning_rows(n_train) } else { 0 };
    let mut estimate = AskEstimate {
        candidate: candidate.to_owned(),
        model: ask.spec.model.clone(),
        rows: data.n_test(),
        input_tokens: 0,
        output_tokens: 0,
        usd: None,
        obstacle: ask.reachable().err().map(|e| e.to_string()),
    };
    for split in &data.splits {
        match tokens_of(ask, split, seed).await {
            Ok((input, output)) => {
                estimate.input_tokens += input;
                estimate.output_tokens += output;
            }
            Err(e) => estimate.obstacle = Some(e.to_string()),
        }
    }
    let n_tuned: usize = data.splits.iter().map(|s| &s.train).chain(&data.all).map(|t| tuned_on(t.n_rows())).sum();
    // Training rows are taken to be like test rows.
    let scale = (estimate.rows + n_tuned) as f64 / estimate.rows.max(1) as f64;
    let scaled = |tokens: u64| (tokens as f64 * scale).ceil() as u64;
    let (input_tokens, output_tokens) = (scaled(estimate.input_tokens), scaled(estimate.output_tokens));
    let usage = TokenUsage { input_tokens, output_tokens, ..TokenUsage::default() };
    let usd = ask.asking.gateway.price(&ask.spec.model).map(|price| price.cost(&usage));
    AskEstimate { rows: estimate.rows + n_tuned, input_tokens, output_tokens, usd, ..estimate }
}

/// Tokens of the prompts of a split's test rows and of the answers to them.
async fn tokens_of(ask: &AskRecipe, split: &DataSplit, seed: u64) -> Result<(u64, u64), FitError> {
    let predictor = ask.predictor(&split.train, seed).await?;
    let rows = &split.test.rows;
    let mut input = 0;
    for row_idx in 0..rows.n_rows() {
        let request = predictor.request(&rows.slice(row_idx, 1));
        input += estimate_request_tokens(&request.map_err(|e| FitError::Data { reason: e.to_string() })?);
    }
    let truth = &split.train.truth;
    let reply = |i: usize| estimate_tokens(&predictor.schema.reply_of(&truth.value(i)));
    let mean_reply = (0..truth.len()).map(reply).sum::<u64>() as f64 / truth.len().max(1) as f64;
    Ok((input, (mean_reply * rows.n_rows() as f64).ceil() as u64))
}
