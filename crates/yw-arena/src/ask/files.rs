//! An ask predictor on disk: `ask.json` with everything but the examples, `examples.jsonl` with one labelled row a line.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use yw_task::{AnswerKind, AnswerSpec, LabelledRows, ModelRef, RowsBuilder, SaveError, Truth};

use super::{AnswerSchema, AskPredictor, Asking, ExamplePicker, PromptTemplate};
use crate::artifact::{LoadError, TaskShape, read_json, read_text, write_json};

pub(crate) const ASK_FILE: &str = "ask.json";
const EXAMPLES_FILE: &str = "examples.jsonl";

/// What is asked about which fields stands in the artifact's description of the task.
#[derive(Serialize, Deserialize)]
struct AskFile {
    model: String,
    temperature: Option<f64>,
    max_tokens: u32,
    timeout_ms: Option<u64>,
    system: Option<String>,
    prompt: Option<String>,
    examples: ExamplesFile,
}

/// Which rows of `examples.jsonl` are shown.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ExamplesFile {
    /// There is no such file.
    None,
    All,
    Nearest(usize),
}

#[derive(Serialize, Deserialize)]
struct ExampleLine {
    input: Map<String, Json>,
    answer: Json,
}

pub(super) fn save(predictor: &AskPredictor, dir: &Path) -> Result<(), SaveError> {
    let file = AskFile {
        model: predictor.model.to_string(),
        temperature: predictor.temperature,
        max_tokens: predictor.max_tokens,
        timeout_ms: predictor.timeout.map(|t| t.as_millis() as u64),
        system: predictor.template.system.clone(),
        prompt: predictor.template.prompt.clone(),
        examples: match &predictor.examples {
            ExamplePicker::None => ExamplesFile::None,
            ExamplePicker::All(_) => ExamplesFile::All,
            ExamplePicker::Nearest { k, .. } => ExamplesFile::Nearest(*k),
        },
    };
    write_json(&dir.join(ASK_FILE), &file)?;
    let Some(pool) = predictor.examples.pool() else { return Ok(()) };
    let mut lines = String::new();
    for row_idx in 0..pool.n_rows() {
        let line = ExampleLine { input: pool.rows.row_json(row_idx), answer: pool.truth.value(row_idx).to_json() };
        lines.push_str(&serde_json::to_string(&line).map_err(|e| SaveError::Encode(Box::new(e)))?);
        lines.push('\n');
    }
    let path = dir.join(EXAMPLES_FILE);
    fs::write(&path, lines).map_err(|source| SaveError::Io { path, source })
}

/// Reads what `save` wrote, for the task that the predictor was fitted to.
pub(crate) fn load(dir: &Path, task: &TaskShape, asking: Asking) -> Result<AskPredictor, LoadError> {
    let path = dir.join(ASK_FILE);
    let broken = |reason: String| LoadError::Format { path: path.clone(), reason };
    let file: AskFile = read_json(&path)?;
    let pool = || read_examples(&dir.join(EXAMPLES_FILE), task);
    let examples = match file.examples {
        ExamplesFile::None => ExamplePicker::None,
        ExamplesFile::All => ExamplePicker::All(pool()?),
        ExamplesFile::Nearest(k) => ExamplePicker::nearest(pool()?, k).map_err(|e| broken(e.to_string()))?,
    };
    Ok(AskPredictor {
        question: task.question.clone(),
        schema: AnswerSchema::new(task.answer.clone()),
        template: PromptTemplate::new(file.system, file.prompt).map_err(|e| broken(e.to_string()))?,
        examples,
        model: ModelRef::parse(&file.model).ok_or_else(|| broken(format!("`{}` is not a model", file.model)))?,
        temperature: file.temperature,
        max_tokens: file.max_tokens,
        timeout: file.timeout_ms.map(Duration::from_millis),
        asking,
    })
}

fn read_examples(path: &Path, task: &TaskShape) -> Result<LabelledRows, LoadError> {
    let mut rows = RowsBuilder::new(task.fields.clone());
    let mut answers = Answers::new(&task.answer);
    for (i, line) in read_text(path)?.lines().enumerate() {
        let mut push = || -> Result<(), String> {
            let line: ExampleLine = serde_json::from_str(line).map_err(|e| e.to_string())?;
            rows.push_json(&line.input).map_err(|e| e.to_string())?;
            answers.push(line.answer).ok_or_else(|| format!("the answer is not a {} of the task", task.answer.kind))
        };
        push().map_err(|reason| LoadError::Format {
            path: path.to_owned(),
            reason: format!("line {}: {reason}", i + 1),
        })?;
    }
    Ok(LabelledRows { rows: rows.finish(), truth: answers.0, groups: None })
}

/// Right answers, read one by one.
struct Answers(Truth);

impl Answers {
    fn new(spec: &AnswerSpec) -> Self {
        Answers(match spec.kind {
            AnswerKind::Label => Truth::Label { ids: Vec::new(), labels: spec.labels.clone() },
            AnswerKind::Boolean => Truth::Boolean(Vec::new()),
            AnswerKind::Number => Truth::Number(Vec::new()),
            AnswerKind::Text => Truth::Text(Vec::new()),
            AnswerKind::Json => Truth::Json(Vec::new()),
        })
    }

    /// None if the answer is not of the task's kind.
    fn push(&mut self, answer: Json) -> Option<()> {
        match &mut self.0 {
            Truth::Label { ids, labels } => ids.push(labels.id(answer.as_str()?)?),
            Truth::Boolean(all) => all.push(answer.as_bool()?),
            Truth::Number(all) => all.push(answer.as_f64()?),
            Truth::Text(all) => all.push(answer.as_str()?.to_owned()),
            Truth::Json(all) => all.push(answer),
        }
        Some(())
    }
}
