//! Small records for tests.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;
use yw_store::{
    ArtifactId, CallAttempt, CallOperation, CallRecord, CallTokens, CandidateRecord, CandidateStatus, DataRecord,
    LogPage, LogPosition, LogRecord, NewArtifact, Promotion, Road, RunRecord, Score, Store, VerdictRecord,
};
use yw_task::Usd;

/// A project without state.
pub(crate) struct Project(TempDir);

impl Project {
    pub(crate) fn new() -> Self {
        Project(tempfile::tempdir().unwrap())
    }

    /// A file or folder beside the state.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path(".yellowwood")
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.state_dir()).await.unwrap()
    }

    /// Puts an artifact with one small file of the given content.
    pub(crate) async fn put(&self, store: &Store, content: &str) -> ArtifactId {
        let from = tempfile::tempdir_in(self.0.path()).unwrap();
        std::fs::write(from.path().join("weights"), content).unwrap();
        store.put_artifact(from.path(), new_artifact()).await.unwrap()
    }
}

/// A time `seconds` after some moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + seconds).unwrap()
}

pub(crate) fn new_artifact() -> NewArtifact {
    NewArtifact { kind: "linear".into(), format: 1, task: "triage".into(), candidate: "words".into(), created: at(0) }
}

pub(crate) fn promotion(candidate: &str, artifact: &ArtifactId, seconds: i64) -> Promotion {
    Promotion {
        task: "triage".into(),
        candidate: candidate.into(),
        artifact: artifact.clone(),
        run: "run-1".into(),
        at: at(seconds),
    }
}

pub(crate) fn run_record(run: &str, started: Timestamp) -> RunRecord {
    let words = CandidateRecord {
        name: "words".into(),
        road: Road::Fit,
        kind: "linear".into(),
        status: CandidateStatus::Ok,
        reason: None,
        score: Some(Score { value: 0.84, low: Some(0.79), high: Some(0.88) }),
        metrics: [("macro_f1".to_owned(), 0.84)].into(),
        intervals: [].into(),
        versus_best: None,
        failures: 0,
        fit_seconds: Some(0.2),
        predict_rows_per_second: Some(250_000.0),
        latency_ms: None,
        usage: None,
        usd: None,
        artifact: None,
        size_bytes: None,
        explanation: None,
    };
    let prompted = CandidateRecord {
        name: "prompted".into(),
        road: Road::Ask,
        kind: "ask".into(),
        status: CandidateStatus::Skipped,
        reason: Some("set ANTHROPIC_API_KEY".into()),
        score: None,
        metrics: [].into(),
        ..words.clone()
    };
    RunRecord {
        version: RunRecord::VERSION,
        run: run.into(),
        project: "tickets".into(),
        task: "triage".into(),
        metric: "macro_f1".into(),
        higher_is_better: true,
        seed: 17,
        started,
        finished: started,
        config: None,
        data: DataRecord { train_rows: 480, test_rows: 120, fingerprint: "a948904f".into() },
        candidates: vec![words, prompted],
        verdict: VerdictRecord {
            champion: Some("words".into()),
            tied: vec!["words".into()],
            within_limits: true,
            reason: "it is the only one".into(),
        },
    }
}

pub(crate) fn log_record(id: &str, seconds: i64) -> LogRecord {
    LogRecord {
        id: id.into(),
        at: at(seconds),
        task: "triage".into(),
        candidate: "words".into(),
        artifact: "0123456789abcdef0123456789abcdef".into(),
        input: serde_json::json!({ "subject": "Größe \"XL\"\n", "seats": 3 }),
        answer: Some("sales".into()),
        scores: Some(serde_json::json!({ "sales": 0.75, "bugs": 0.25 })),
        error: None,
        latency_ms: Some(0.25),
        usage: None,
        usd: Some(0.0),
    }
}

pub(crate) fn call_record(id: &str, seconds: i64) -> CallRecord {
    CallRecord {
        id: id.into(),
        at: at(seconds),
        key: None,
        key_name: None,
        client: "openai".into(),
        operation: CallOperation::Chat,
        requested: "fast".into(),
        route: Some("fast".into()),
        provider: Some("anthropic".into()),
        model: Some("haiku".into()),
        provider_request_id: None,
        attempts: vec![CallAttempt {
            model: "anthropic/haiku".into(),
            status: Some(200),
            error: None,
            latency_ms: 812.25,
        }],
        tokens: CallTokens { input: 1_200, output: 80, ..CallTokens::default() },
        usd: Usd::from_picos(1_600_000_001),
        priced: true,
        estimated: false,
        cached: false,
        status: 200,
        error: None,
        stream: false,
        first_token_ms: None,
        latency_ms: 812.5,
        overhead_ms: 0.25,
        trace_id: None,
        tags: [].into(),
        request: None,
        response: None,
    }
}

/// The ids of a page.
pub(crate) fn ids(page: &LogPage) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.record.id.as_str()).collect()
}

/// The ids of everything in the log of the task, page by page.
pub(crate) async fn all_ids(store: &Store) -> Vec<String> {
    let (mut all, mut position) = (Vec::new(), LogPosition::START);
    loop {
        let page = store.log_page("triage", position, 500).await.unwrap();
        if page.entries.is_empty() {
            return all;
        }
        all.extend(page.entries.into_iter().map(|entry| entry.record.id));
        position = page.next;
    }
}

/// Copies the files directly in a folder to a new one.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
