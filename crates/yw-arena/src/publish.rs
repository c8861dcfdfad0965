//! From a finished run to the store: predictors become artifacts, the report becomes the run's record.

use yw_store::{
    CandidateRecord, CandidateStatus, Comparison, CurveRecord, DataRecord, DependenceRecord, ExplanationRecord,
    FeatureRecord, Interval, NewArtifact, RunRecord, Score, Store, StoreError, UsdRecord, VerdictRecord,
};
use yw_task::SaveError;

use crate::artifact::{self, ARTIFACT_FORMAT, TaskShape};
use crate::report::{CandidateReport, Dependence, DependenceCurve, Explained, Report, Road, Status};
use crate::run::Finished;

/// Why a finished run could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// There is no room for the predictors' files.
    #[error("cannot make a temporary folder")]
    Temporary(#[source] std::io::Error),
    /// A predictor cannot be written.
    #[error("cannot save candidate `{candidate}`")]
    Save {
        /// The candidate.
        candidate: String,
        /// Why.
        #[source]
        source: SaveError,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Saves every scored predictor and the record of the run; durable when it returns. The report in `finished` learns
/// the artifacts' ids and sizes. `config` is a hash of the project file. The caller holds the store's run lock.
pub async fn publish(
    finished: &mut Finished,
    store: &Store,
    config: Option<String>,
) -> Result<RunRecord, PublishError> {
    let Finished { report, predictors, data } = finished;
    let task =
        TaskShape { question: report.question.clone(), fields: data.fields().into(), answer: data.answer.clone() };
    for candidate in &mut report.candidates {
        let Some((name, predictor)) = predictors.iter().find(|(name, _)| *name == candidate.name) else { continue };
        let dir = tempfile::tempdir().map_err(PublishError::Temporary)?;
        artifact::save(dir.path(), &**predictor, &task)
            .map_err(|source| PublishError::Save { candidate: name.clone(), source })?;
        let new = NewArtifact {
            kind: candidate.kind.to_owned(),
            format: ARTIFACT_FORMAT,
            task: report.task.clone(),
            candidate: name.clone(),
            created: report.finished,
        };
        let id = store.put_artifact(dir.path(), new).await?;
        candidate.size_bytes = Some(store.artifact(&id).await?.manifest.size_bytes());
        candidate.artifact = Some(id.into());
    }
    let record = record_of(report, config);
    store.insert_run(&record).await?;
    Ok(record)
}

/// A hash of a project file, to tell runs of one configuration from those of another.
pub fn config_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The documented JSON contract of a report.
pub fn record_of(report: &Report, config: Option<String>) -> RunRecord {
    RunRecord {
        version: RunRecord::VERSION,
        run: report.run.clone(),
        project: report.project.clone(),
        task: report.task.clone(),
        metric: report.metric.name().to_owned(),
        higher_is_better: report.metric.higher_is_better(),
        seed: report.seed,
        started: report.started,
        finished: report.finished,
        config,
        data: DataRecord {
            train_rows: report.data.train_rows as u64,
            test_rows: report.data.test_rows as u64,
            fingerprint: report.data.fingerprint.clone(),
        },
        candidates: report.candidates.iter().map(candidate_record).collect(),
        verdict: VerdictRecord {
            champion: report.verdict.champion.clone(),
            tied: report.verdict.tied.clone(),
            within_limits: report.verdict.within_limits,
            reason: report.verdict.reason.clone(),
        },
    }
}

fn candidate_record(candidate: &CandidateReport) -> CandidateRecord {
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let interval = |e: &yw_stats::Estimate| Interval { low: Some(e.low), high: Some(e.high) };
    CandidateRecord {
        name: candidate.name.clone(),
        road: match candidate.road {
            Road::Fit => yw_store::Road::Fit,
            Road::Ask => yw_store::Road::Ask,
            Road::Both => yw_store::Road::Both,
        },
        kind: candidate.kind.to_owned(),
        status: match candidate.status {
            Status::Ok => CandidateStatus::Ok,
            Status::Skipped => CandidateStatus::Skipped,
            Status::Stopped => CandidateStatus::Stopped,
            Status::Failed => CandidateStatus::Failed,
        },
        reason: candidate.reason.clone(),
        score: candidate.score.map(|s| Score { value: s.value, low: Some(s.low), high: Some(s.high) }),
        metrics: candidate.metrics.iter().map(|(m, e)| (m.name().to_owned(), e.value)).collect(),
        intervals: candidate.metrics.iter().map(|(m, e)| (m.name().to_owned(), interval(e))).collect(),
        versus_best: candidate.versus_best.map(|d| Comparison {
            difference: d.difference,
            low: Some(d.low),
            high: Some(d.high),
            p_value: Some(d.p_value),
        }),
        failures: candidate.n_failures() as u64,
        fit_seconds: candidate.fit_time.map(|t| t.as_secs_f64()),
        predict_rows_per_second: candidate.predict_rows_per_second,
        latency_ms: candidate.latency.map(|l| yw_store::Latency { p50: millis(l.p50), p95: millis(l.p95) }),
        usage: Some(candidate.usage.into()),
        usd: Some(UsdRecord {
            fit: candidate.usd.fit.as_dollars(),
            evaluation: candidate.usd.evaluation.as_dollars(),
            per_1000: candidate.usd.per_1000.unwrap_or(0.0),
            spent_now: Some(candidate.usd.spent_now.as_dollars()),
        }),
        artifact: candidate.artifact.clone(),
        size_bytes: candidate.size_bytes,
        explanation: candidate.details.explained.as_ref().map(explanation_record),
    }
}

fn explanation_record(explained: &Explained) -> ExplanationRecord {
    let feature =
        |(name, mean_absolute): &(String, f64)| FeatureRecord { feature: name.clone(), mean_absolute: *mean_absolute };
    ExplanationRecord {
        unit: explained.unit.name().to_owned(),
        rows: explained.n_rows as u64,
        features: explained.importance.iter().map(feature).collect(),
        dependence: explained.dependence.iter().map(dependence_record).collect(),
        effects: explained.effects.iter().map(dependence_record).collect(),
    }
}

fn dependence_record(dependence: &Dependence) -> DependenceRecord {
    let is_finite = |&i: &usize| dependence.curves.iter().all(|curve| curve.means[i].is_finite());
    let kept: Vec<usize> = (0..dependence.values.len()).filter(is_finite).collect();
    let curve = |curve: &DependenceCurve| CurveRecord {
        class: curve.class.clone(),
        means: kept.iter().map(|&i| curve.means[i]).collect(),
    };
    DependenceRecord {
        field: dependence.field.clone(),
        values: kept.iter().map(|&i| dependence.values[i].clone()).collect(),
        curves: dependence.curves.iter().map(curve).collect(),
    }
}
