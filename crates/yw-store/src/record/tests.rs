//! The contract, word for word.

use serde_json::{Value, json};

use super::*;

/// A record that uses every key.
fn full_record() -> RunRecord {
    let candidate = CandidateRecord {
        name: "prompted".into(),
        road: Road::Ask,
        kind: "ask".into(),
        status: CandidateStatus::Stopped,
        reason: Some("the money limit was reached".into()),
        score: Some(Score { value: 0.875, low: Some(0.8), high: Some(0.925) }),
        metrics: [("macro_f1".to_owned(), 0.875), ("accuracy".to_owned(), 0.9)].into(),
        intervals: [("accuracy".to_owned(), Interval { low: Some(0.85), high: None })].into(),
        versus_best: Some(Comparison { difference: -0.01, low: Some(-0.05), high: Some(0.03), p_value: Some(0.6) }),
        failures: 2,
        fit_seconds: Some(0.25),
        predict_rows_per_second: Some(4.5),
        latency_ms: Some(Latency { p50: 410.0, p95: 922.5 }),
        usage: Some(UsageRecord {
            calls: 10,
            input_tokens: 2000,
            output_tokens: 300,
            cached_tokens: 1500,
            reasoning_tokens: 120,
        }),
        usd: Some(UsdRecord { fit: 0.0, evaluation: 0.0123, per_1000: 1.23, spent_now: Some(0.002) }),
        artifact: Some("0123456789abcdef0123456789abcdef".into()),
        size_bytes: Some(4096),
        explanation: Some(ExplanationRecord {
            unit: "log_odds".into(),
            rows: 300,
            features: vec![FeatureRecord { feature: "plan = free".into(), mean_absolute: 0.5 }],
            dependence: vec![DependenceRecord {
                field: "seats".into(),
                values: vec![1.into(), 2.5.into()],
                curves: vec![CurveRecord { class: Some("web".into()), means: vec![0.25, 0.75] }],
            }],
            effects: Vec::new(),
        }),
    };
    RunRecord {
        version: RunRecord::VERSION,
        run: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        project: "tickets".into(),
        task: "triage".into(),
        metric: "macro_f1".into(),
        higher_is_better: true,
        seed: 17,
        started: "2025-06-01T10:00:00Z".parse().unwrap(),
        finished: "2025-06-01T10:01:30.5Z".parse().unwrap(),
        config: Some("9f86d081".into()),
        data: DataRecord { train_rows: 480, test_rows: 120, fingerprint: "a948904f".into() },
        candidates: vec![candidate],
        verdict: VerdictRecord {
            champion: Some("prompted".into()),
            tied: vec!["prompted".into(), "words".into()],
            within_limits: false,
            reason: "it costs more than the limit".into(),
        },
    }
}

#[test]
fn the_keys_are_those_of_the_contract() {
    let written: Value = serde_json::from_str(&full_record().to_json().unwrap()).unwrap();
    let explanation = json!({
        "unit": "log_odds",
        "rows": 300,
        "features": [{ "feature": "plan = free", "mean_absolute": 0.5 }],
        "dependence": [{
            "field": "seats", "values": [1, 2.5], "curves": [{ "class": "web", "means": [0.25, 0.75] }]
        }]
    });
    let expected = json!({
        "version": 1,
        "run": "01890a5d-ac96-774b-bcce-b302099a8057",
        "project": "tickets",
        "task": "triage",
        "metric": "macro_f1",
        "higher_is_better": true,
        "seed": 17,
        "started": "2025-06-01T10:00:00Z",
        "finished": "2025-06-01T10:01:30.5Z",
        "config": "9f86d081",
        "data": { "train_rows": 480, "test_rows": 120, "fingerprint": "a948904f" },
        "candidates": [{
            "name": "prompted",
            "road": "ask",
            "kind": "ask",
            "status": "stopped",
            "reason": "the money limit was reached",
            "score": { "value": 0.875, "low": 0.8, "high": 0.925 },
            "metrics": { "accuracy": 0.9, "macro_f1": 0.875 },
            "intervals": { "accuracy": { "low": 0.85 } },
            "versus_best": { "difference": -0.01, "low": -0.05, "high": 0.03, "p_value": 0.6 },
            "failures": 2,
            "fit_seconds": 0.25,
            "predict_rows_per_second": 4.5,
            "latency_ms": { "p50": 410.0, "p95": 922.5 },
            "usage": {
                "calls": 10, "input_tokens": 2000, "output_tokens": 300, "cached_tokens": 1500, "reasoning_tokens": 120
            },
            "usd": { "fit": 0.0, "evaluation": 0.0123, "per_1000": 1.23, "spent_now": 0.002 },
            "artifact": "0123456789abcdef0123456789abcdef",
            "size_bytes": 4096,
            "explanation": explanation
        }],
        "verdict": {
            "champion": "prompted",
            "tied": ["prompted", "words"],
            "within_limits": false,
            "reason": "it costs more than the limit"
        }
    });
    assert_eq!(written, expected);
}

#[test]
fn a_record_comes_back_as_it_was() {
    let record = full_record();
    assert_eq!(RunRecord::from_json(&record.to_json().unwrap()).unwrap(), record);
}

#[test]
fn absent_and_unwritable_numbers_leave_no_trace() {
    let mut record = full_record();
    let candidate = &mut record.candidates[0];
    candidate.score = Some(Score { value: f64::NAN, low: None, high: None });
    candidate.versus_best =
        Some(Comparison { difference: 0.5, low: Some(f64::NEG_INFINITY), high: None, p_value: None });
    candidate.metrics.insert("log_loss".into(), f64::INFINITY);
    candidate.intervals = [("accuracy".to_owned(), Interval { low: Some(f64::NAN), high: Some(1.0) })].into();
    candidate.fit_seconds = Some(f64::NAN);
    candidate.latency_ms = Some(Latency { p50: 1.0, p95: f64::NAN });
    candidate.reason = None;
    candidate.usage = None;
    let json = record.to_json().unwrap();
    assert!(!json.contains("null"), "{json}");

    let read = RunRecord::from_json(&json).unwrap();
    let candidate = &read.candidates[0];
    assert_eq!(candidate.score, None);
    assert_eq!(candidate.versus_best.unwrap(), Comparison { difference: 0.5, low: None, high: None, p_value: None });
    assert_eq!(candidate.metrics.keys().collect::<Vec<_>>(), ["accuracy", "macro_f1"]);
    assert_eq!(candidate.intervals["accuracy"], Interval { low: None, high: Some(1.0) });
    assert_eq!((candidate.fit_seconds, candidate.latency_ms, candidate.usage), (None, None, None));
}

#[test]
fn a_record_with_more_keys_opens() {
    let json = include_str!("../../tests/fixtures/run-v1-more-keys.json");
    let record = RunRecord::from_json(json).unwrap();
    assert_eq!(record.candidates.len(), 2);
    assert_eq!(record.candidate("words").unwrap().score.unwrap().value, 0.84);
    assert_eq!(record.candidate("prompted").unwrap().status, CandidateStatus::Skipped);
}

#[test]
fn a_newer_record_says_so_whatever_it_looks_like() {
    let error = RunRecord::from_json(r#"{"version": 2, "outcome": []}"#).unwrap_err();
    assert!(matches!(error, RecordError::Newer { found: 2, supported: 1 }), "{error}");
    assert!(matches!(RunRecord::from_json("{}").unwrap_err(), RecordError::Shape(_)));
}
