//! Predictors on disk: a folder with what the task asks, in `task.json`, and the predictor's own files beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yw_task::{AnswerKind, AnswerSpec, Field, FieldType, LabelSet, Predictor, SaveError};

use crate::ask::{self, Asking};
use crate::cascade::{CASCADE_FILE, CascadeFile, CascadePredictor};
use crate::decided::{DECIDER_FILE, DecidedPredictor, INNER_DIR};
use crate::learned::LearnedPredictor;
use crate::tune::{BLEND_FILE, BlendFile, BlendPredictor};

/// The version of the layout of artifacts that this program writes and reads, all files in them included.
pub const ARTIFACT_FORMAT: u32 = 1;

const TASK_FILE: &str = "task.json";
const PREDICTOR_DIR: &str = "predictor";

/// A predictor with what it must know to be asked: it answers this question about these fields, whatever the project
/// file has become since.
pub struct LoadedPredictor {
    /// The task's question.
    pub question: String,
    /// The fields its rows must have.
    pub fields: Arc<[Field]>,
    /// What its answers look like.
    pub answer: AnswerSpec,
    /// What answers.
    pub predictor: Arc<dyn Predictor>,
}

/// Why an artifact gives no predictor.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file of the artifact cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file was written by another version, or is damaged in a way its hash does not show.
    #[error("{path} cannot be used: {reason}; run `yw run` again to make a new one")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A learned model cannot be read.
    #[error("{path} cannot be used; run `yw run` again to make a new one")]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: yw_learn::FormatError,
    },
}

/// What a task asks: the question, about which fields, for which answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskShape {
    pub(crate) question: String,
    pub(crate) fields: Arc<[Field]>,
    pub(crate) answer: AnswerSpec,
}

/// Loads what a run saved. `dir` is the artifact's folder, its hashes already verified.
pub fn load(dir: &Path, asking: &Asking) -> Result<LoadedPredictor, LoadError> {
    let path = dir.join(TASK_FILE);
    let broken = |reason: String| LoadError::Format { path: path.clone(), reason };
    // The version first: another one may have other keys.
    let Version { format } = read_json(&path)?;
    if format != ARTIFACT_FORMAT {
        return Err(broken(format!("it has format {format}, this version reads {ARTIFACT_FORMAT}")));
    }
    let task = read_json::<TaskFile>(&path)?.decode().map_err(broken)?;
    let predictor = load_predictor(&dir.join(PREDICTOR_DIR), &task, asking)?;
    let TaskShape { question, fields, answer } = task;
    Ok(LoadedPredictor { question, fields, answer, predictor })
}

/// Which files are there says what kind of predictor it is.
fn load_predictor(dir: &Path, task: &TaskShape, asking: &Asking) -> Result<Arc<dyn Predictor>, LoadError> {
    if dir.join(CASCADE_FILE).exists() {
        let CascadeFile { threshold } = read_json(&dir.join(CASCADE_FILE))?;
        let part = |name| load_predictor(&dir.join(name), task, asking);
        return Ok(Arc::new(CascadePredictor { first: part("first")?, then: part("then")?, threshold }));
    }
    if dir.join(BLEND_FILE).exists() {
        let file: BlendFile = read_json(&dir.join(BLEND_FILE))?;
        let members = file.members().map_err(|reason| BlendFile::broken(dir, reason))?;
        let member = |(weight, name): (f64, String)| Ok((weight, load_predictor(&dir.join(name), task, asking)?));
        let members = members.into_iter().map(member).collect::<Result<_, LoadError>>()?;
        return Ok(Arc::new(BlendPredictor::new(members, task.answer.labels.clone())));
    }
    if dir.join(DECIDER_FILE).exists() {
        let inner = load_predictor(&dir.join(INNER_DIR), task, asking)?;
        return Ok(Arc::new(DecidedPredictor::load(dir, task, inner)?));
    }
    if dir.join(ask::ASK_FILE).exists() {
        return Ok(Arc::new(ask::load(dir, task, asking.clone())?));
    }
    Ok(Arc::new(LearnedPredictor::load(dir, task)?))
}

/// Writes `predictor` and what it must know into `dir`, which exists and is empty.
pub(crate) fn save(dir: &Path, predictor: &dyn Predictor, task: &TaskShape) -> Result<(), SaveError> {
    write_json(&dir.join(TASK_FILE), &TaskFile::encode(task))?;
    let path = dir.join(PREDICTOR_DIR);
    std::fs::create_dir(&path).map_err(|source| SaveError::Io { path: path.clone(), source })?;
    predictor.save(&path)
}

/// The content of a text file of an artifact.
pub(crate) fn read_text(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })
}

/// The content of a JSON file of an artifact.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LoadError> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|e| LoadError::Format { path: path.to_owned(), reason: e.to_string() })
}

/// Writes a JSON file of an artifact.
pub(crate) fn write_json(path: &Path, content: &impl Serialize) -> Result<(), SaveError> {
    let json = serde_json::to_string_pretty(content).map_err(|e| SaveError::Encode(Box::new(e)))?;
    std::fs::write(path, json).map_err(|source| SaveError::Io { path: path.to_owned(), source })
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct TaskFile {
    format: u32,
    question: String,
    fields: Vec<FieldFile>,
    answer: AnswerFile,
}

#[derive(Serialize, Deserialize)]
struct AnswerFile {
    name: String,
    kind: String,
    labels: Vec<String>,
    fields: Vec<FieldFile>,
}

#[derive(Serialize, Deserialize)]
struct FieldFile {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
}

impl TaskFile {
    fn encode(task: &TaskShape) -> Self {
        let fields = |fields: &[Field]| {
            let encode = |f: &Field| FieldFile { name: f.name.clone(), field_type: f.field_type.name().to_owned() };
            fields.iter().map(encode).collect()
        };
        TaskFile {
            format: ARTIFACT_FORMAT,
            question: task.question.clone(),
            fields: fields(&task.fields),
            answer: AnswerFile {
                name: task.answer.name.clone(),
                kind: task.answer.kind.name().to_owned(),
                labels: task.answer.labels.iter().map(|l| l.to_string()).collect(),
                fields: fields(&task.answer.fields),
            },
        }
    }

    /// The inverse of `encode`, or what is wrong.
    fn decode(self) -> Result<TaskShape, String> {
        let field = |FieldFile { name, field_type }: FieldFile| match FieldType::from_name(&field_type) {
            Some(field_type) => Ok(Field { name, field_type }),
            None => Err(format!("unknown field type `{field_type}`")),
        };
        let AnswerFile { name, kind, labels, fields } = self.answer;
        let kind = AnswerKind::from_name(&kind).ok_or_else(|| format!("unknown answer kind `{kind}`"))?;
        let sorted = LabelSet::sorted(&labels);
        if !sorted.iter().map(|l| &**l).eq(labels.iter().map(String::as_str)) {
            return Err("the labels are not in order".to_owned());
        }
        Ok(TaskShape {
            question: self.question,
            fields: self.fields.into_iter().map(field).collect::<Result<_, _>>()?,
            answer: AnswerSpec {
                name,
                kind,
                labels: sorted,
                fields: fields.into_iter().map(field).collect::<Result<_, _>>()?,
            },
        })
    }
}
