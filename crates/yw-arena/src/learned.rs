//! The fit road: models of `yw-learn` as recipes and predictors.

use std::path::Path;
use std::sync::Arc;

use yw_learn::{ClassImportance, Model, ModelParams};
use yw_task::{
    Answer, AnswerKind, BoxFuture, ClassWeights, Explanation, FitContext, FitError, Fitted, LabelledRows, Outcome,
    PredictContext, Predictor, Recipe, Rows, SaveError,
};

use crate::artifact::{LoadError, TaskShape};

/// The file that holds the model.
const MODEL_FILE: &str = "model.yw";

/// Rows up to which a batch is answered on the calling thread: handing it over would take longer than answering.
const INLINE_ROWS: usize = 4;

/// Rows of one step of a long prediction, so that progress shows and memory stays small.
const STEP_ROWS: usize = 8192;

/// Features shown per class.
const WEIGHTS_PER_CLASS: usize = 12;

/// A model to learn.
pub(crate) struct LearnedRecipe {
    pub(crate) params: ModelParams,
}

impl Recipe for LearnedRecipe {
    fn fit<'a>(&'a self, train: &'a LabelledRows, context: &'a FitContext) -> BoxFuture<'a, Result<Fitted, FitError>> {
        Box::pin(async move {
            let (rows, params, seed) = (train.clone(), self.params.clone(), context.seed);
            let model = on_compute(move || Model::fit(&rows, &params, seed)).await;
            let model = model.map_err(|e| FitError::Data { reason: e.to_string() })?;
            context.progress.advance(train.n_rows() as u64);
            let summary = model.summary();
            // Those of trees have no sign: the report has them as contributions.
            let weights = if matches!(self.params, ModelParams::Linear(_)) { weights(&model) } else { Vec::new() };
            let mut fitted = Fitted { weights, ..Fitted::new(LearnedPredictor { model: Arc::new(model) }) };
            if !summary.converged {
                fitted.notes.push(format!(
                    "the fit stopped after {} iterations before it converged; raise `max_iterations` or `l2`",
                    summary.iterations
                ));
            }
            Ok(fitted)
        })
    }
}

fn weights(model: &Model) -> Vec<ClassWeights> {
    let class = |c: ClassImportance| ClassWeights {
        class: (model.answer_kind() == AnswerKind::Label).then(|| c.class.to_string()),
        features: c.features.into_iter().map(|f| (f.name, f.weight)).collect(),
    };
    model.importance(WEIGHTS_PER_CLASS).into_iter().flatten().map(class).collect()
}

/// A learned model.
pub(crate) struct LearnedPredictor {
    model: Arc<Model>,
}

impl Predictor for LearnedPredictor {
    fn predict<'a>(&'a self, rows: &'a Rows, context: &'a PredictContext) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(rows.n_rows());
            for start in (0..rows.n_rows()).step_by(STEP_ROWS) {
                let step = rows.slice(start, STEP_ROWS.min(rows.n_rows() - start));
                let n_rows = step.n_rows();
                outcomes.extend(self.answers(step).await.into_iter().map(Outcome::answered));
                context.progress.advance(n_rows as u64);
            }
            outcomes
        })
    }

    fn explain<'a>(&'a self, rows: &'a Rows) -> BoxFuture<'a, Option<Explanation>> {
        Box::pin(async move {
            if rows.n_rows() <= INLINE_ROWS {
                return self.model.explain(rows);
            }
            let (model, rows) = (self.model.clone(), rows.clone());
            on_compute(move || model.explain(&rows)).await
        })
    }

    fn save(&self, dir: &Path) -> Result<(), SaveError> {
        let path = dir.join(MODEL_FILE);
        std::fs::write(&path, self.model.to_bytes()).map_err(|source| SaveError::Io { path, source })
    }
}

impl LearnedPredictor {
    async fn answers(&self, rows: Rows) -> Vec<Answer> {
        if rows.n_rows() <= INLINE_ROWS {
            return self.model.answers(&rows);
        }
        let model = self.model.clone();
        on_compute(move || model.answers(&rows)).await
    }

    /// Reads what [`Predictor::save`] wrote, for the task that it was fitted to.
    pub(crate) fn load(dir: &Path, task: &TaskShape) -> Result<Self, LoadError> {
        let path = dir.join(MODEL_FILE);
        let bytes = std::fs::read(&path).map_err(|source| LoadError::Io { path: path.clone(), source })?;
        let model = Model::from_bytes(&bytes).map_err(|source| LoadError::Model { path: path.clone(), source })?;
        let answer = &task.answer;
        if model.answer_kind() != answer.kind || *model.labels() != answer.labels || *model.fields() != task.fields {
            let reason = "the model has other fields or answers than the task".to_owned();
            return Err(LoadError::Format { path, reason });
        }
        Ok(LearnedPredictor { model: Arc::new(model) })
    }
}

/// Runs numeric work on the compute pool, so that no thread of the async runtime is blocked: the one crossing between
/// the two. A panic of the work goes on in the caller.
pub(crate) async fn on_compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    rayon::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // The receiver is gone when the caller was cancelled; then nobody wants the result.
        let _ = sender.send(result);
    });
    match receiver.await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => unreachable!("the work always sends"),
    }
}
