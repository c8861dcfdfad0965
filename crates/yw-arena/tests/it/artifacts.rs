//! Artifacts that are not what was saved.

use std::path::Path;

use serde_json::Value;
use yw_arena::LoadError;
use yw_task::{Dialect, PredictContext};
use yw_testkit::{Fixture, Script, ScriptedServer, Workspace};

use crate::support::{FITTED, artifact, asking, load, project_of, provider, run, store};

/// Copies of the artifacts of every kind of candidate, and the way to ask.
async fn published() -> (Vec<(String, Workspace)>, yw_arena::Asking, yw_task::Rows) {
    let fixture = Fixture::tickets(80, 1);
    let server = ScriptedServer::start(Script::guess(1)).await.unwrap();
    let candidates = format!(
        "{FITTED}\n[task.t.candidate.asked]\nask = \"scripted/m\"\nexamples = {{ nearest = 2 }}\n\
         [task.t.candidate.cascade]\nfirst = \"words\"\nthen = \"asked\"\nthreshold = 0.6\n{}",
        provider(&server, Dialect::OpenAi)
    );
    let workspace = project_of(&fixture, &candidates);
    let store = store(&workspace).await;
    let mut finished = run(&workspace).await;
    let _lock = store.lock_run().await.unwrap();
    yw_arena::publish(&mut finished, &store, None).await.unwrap();
    let mut copies = Vec::new();
    for (name, _) in &finished.predictors {
        copies.push((name.clone(), Workspace::copy_of(artifact(&store, &finished, name).await)));
    }
    let project = load(&workspace);
    (copies, asking(&project), finished.data.test_rows().rows)
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Whatever is cut off or overwritten: an error, or a predictor that answers, and never a panic.
#[tokio::test(flavor = "multi_thread")]
async fn damage_is_an_error() {
    let (copies, asking, rows) = published().await;
    let rows = rows.slice(0, 3);
    for (name, copy) in &copies {
        for file in files(copy.path()) {
            let whole = std::fs::read(&file).unwrap();
            let step = (whole.len() / 12).max(1);
            for at in (0..whole.len()).step_by(step) {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x11;
                for damaged in [&whole[..at], &flipped[..]] {
                    std::fs::write(&file, damaged).unwrap();
                    let Ok(loaded) = yw_arena::load(copy.path(), &asking) else { continue };
                    // Those that ask have nobody to ask here.
                    if name != "asked" && name != "cascade" {
                        let outcomes = loaded.predictor.predict(&rows, &PredictContext::default()).await;
                        assert_eq!(outcomes.len(), 3);
                    }
                }
            }
            std::fs::remove_file(&file).unwrap();
            let missing = yw_arena::load(copy.path(), &asking);
            assert!(missing.is_err(), "{name} without {}", file.display());
            std::fs::write(&file, &whole).unwrap();
        }
        yw_arena::load(copy.path(), &asking).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[track_caller]
fn check_edit(copy: &Workspace, asking: &yw_arena::Asking, file: &str, edit: impl Fn(&mut Value), expect: &str) {
    let whole = copy.read(file);
    let mut json: Value = serde_json::from_str(&whole).unwrap();
    edit(&mut json);
    copy.write(file, json.to_string());
    let error = yw_arena::load(copy.path(), asking).err().expect("the artifact cannot be loaded");
    copy.write(file, whole);
    assert!(matches!(error, LoadError::Format { .. }), "{error:?}");
    assert!(error.to_string().contains(expect), "{error}");
    assert!(error.to_string().ends_with("run `yw run` again to make a new one"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_are_named() {
    let (copies, asking, _) = published().await;
    let copy = |name: &str| &copies.iter().find(|(n, _)| n == name).unwrap().1;
    for name in ["words", "asked", "cascade"] {
        check_edit(
            copy(name),
            &asking,
            "task.json",
            |t| t["format"] = 2.into(),
            "it has format 2, this version reads 1",
        );
        check_edit(
            copy(name),
            &asking,
            "task.json",
            |t| t["answer"]["kind"] = "mood".into(),
            "unknown answer kind `mood`",
        );
        check_edit(
            copy(name),
            &asking,
            "task.json",
            |t| t["fields"][0]["type"] = "smell".into(),
            "unknown field type `smell`",
        );
    }
    let other = "the model has other fields or answers than the task";
    for name in ["words", "similar", "baseline"] {
        check_edit(copy(name), &asking, "task.json", |t| t["answer"]["labels"][2] = "zoo".into(), other);
        check_edit(copy(name), &asking, "task.json", |t| t["fields"][0]["name"] = "title".into(), other);
        check_edit(copy(name), &asking, "task.json", |t| t["answer"]["kind"] = "boolean".into(), other);
    }
    let asked = copy("asked");
    let labels = |t: &mut Value| t["answer"]["labels"].as_array_mut().unwrap().reverse();
    check_edit(asked, &asking, "task.json", labels, "the labels are not in order");
    check_edit(asked, &asking, "predictor/ask.json", |a| a["model"] = "nobody".into(), "`nobody` is not a model");
    check_edit(asked, &asking, "predictor/ask.json", |a| a["prompt"] = "{{".into(), "the prompt template is not valid");
    check_edit(
        asked,
        &asking,
        "task.json",
        |t| t["fields"][0]["name"] = "title".into(),
        "line 1: there is no field `subject`",
    );
    let lines = asked.read("predictor/examples.jsonl");
    asked.write("predictor/examples.jsonl", lines.replacen("\"answer\":\"", "\"answer\":\"x", 2));
    let error = yw_arena::load(asked.path(), &asking).err().unwrap().to_string();
    assert!(error.contains("line 1: the answer is not a label of the task"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_says_what_it_answers() {
    let (copies, asking, _) = published().await;
    let loaded = yw_arena::load(copies[0].1.path(), &asking).unwrap();
    assert_eq!(loaded.question, "Which team should handle this support ticket?");
    assert_eq!(loaded.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["subject", "body", "plan", "seats"]);
    assert_eq!(loaded.answer, Fixture::tickets(80, 1).answer());
}
