//! `yw init --from`: what another gateway's settings become.

use std::path::PathBuf;

use yw_testkit::Workspace;

use crate::support::{files_below, yw};

fn fixture(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/moving")).join(name);
    path.to_str().expect("a plain path").to_owned()
}

#[test]
fn what_is_written_can_be_checked() {
    for (program, file, n_routes) in [
        ("litellm", "litellm/balanced.yaml", 3),
        ("litellm", "litellm/everything.yaml", 8),
        ("tensorzero", "tensorzero/tensorzero.toml", 7),
    ] {
        let folder = Workspace::new();
        let made = yw(["init", "--from", program, &fixture(file), "there"]).dir(folder.path()).run().success();
        assert!(made.stdout.contains(&format!("with {n_routes} routes")), "{}", made.stdout);
        assert!(made.stdout.contains("what has no translation"), "{}", made.stdout);
        let checked = yw(["check", "there"]).dir(folder.path()).run().success();
        let lines = checked.stdout.lines().filter(|line| line.starts_with("route ")).count();
        assert_eq!(lines, n_routes, "{}", checked.stdout);
        let json = yw(["check", "there", "--format", "json"]).dir(folder.path()).run().success().stdout;
        for line in json.lines() {
            let route: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
            assert!(route["route"].is_string() && route["models"].is_array(), "{line}");
        }
        yw(["run", "there"]).dir(folder.path()).run().exits_with(3);
    }
}

#[test]
fn a_project_that_is_there_is_kept() {
    let folder = Workspace::new();
    yw(["init"]).dir(folder.path()).run().success();
    let before = files_below(folder.path());
    let file = fixture("litellm/balanced.yaml");
    let second = yw(["init", "--from", "litellm", &file]).dir(folder.path()).run().exits_with(3);
    assert!(second.stderr.contains("is there already"), "{}", second.stderr);
    assert!(files_below(folder.path()) == before);
}

#[test]
fn what_cannot_be_translated_at_all() {
    let folder = Workspace::new().file("bad.yaml", "a: [1").file("empty.toml", "").file("list.yaml", "- a\n");
    let check = |args: &[&str], code: i32, says: &str| {
        let stderr = yw(args).dir(folder.path()).run().exits_with(code).stderr;
        assert!(stderr.contains(says), "{args:?}: {stderr}");
    };
    check(&["init", "--from", "litellm", "nowhere.yaml"], 4, "cannot read nowhere.yaml");
    check(&["init", "--from", "litellm", "bad.yaml"], 4, "bad.yaml: line 2: this is not YAML");
    check(&["init", "--from", "tensorzero", "empty.toml"], 4, "there are no settings in it");
    check(&["init", "--from", "litellm", "list.yaml"], 4, "there are no settings in it");
    check(&["init", "--from", "portkey", "bad.yaml"], 2, "it is one of: litellm, tensorzero");
    check(&["init", "--from", "litellm"], 2, "--from");
    check(&["init", "--from", "litellm", "bad.yaml", "--example", "wine"], 2, "cannot be used");
    assert!(!folder.join("yellowwood.toml").exists());
}
