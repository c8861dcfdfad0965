//! A full disk, which is a small one in memory: what cannot be written is said, and nothing is lost.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use yw_testkit::{Captured, Workspace};

use crate::http::Client;
use crate::support::{
    AskProject, AskSetup, Candidate, files_below, fit_project, fitted_project, record, right_answers, skipped,
    wait_until, yw,
};

/// A disk that is soon full.
struct SmallDisk {
    mount_point: PathBuf,
    /// Where it is mounted; goes when the disk is gone.
    _folder: Workspace,
}

impl SmallDisk {
    /// A disk of so many KiB; none, with a word why, where this user may not mount one.
    fn mount(n_kib: usize) -> Option<Self> {
        let folder = Workspace::new();
        let mount_point = folder.join("disk");
        std::fs::create_dir(&mount_point).expect("a temporary folder can be written");
        let size = format!("size={n_kib}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(&mount_point).output();
        let refusal = match mounted {
            Ok(output) if output.status.success() => return Some(SmallDisk { mount_point, _folder: folder }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(e) => e.to_string(),
        };
        skipped(format!("no small disk can be mounted: {refusal}"));
        None
    }

    fn path(&self) -> &Path {
        &self.mount_point
    }

    /// Copies a project here.
    fn hold(&self, project: &Workspace) {
        for (path, contents) in files_below(project.path()) {
            let target = self.mount_point.join(path);
            std::fs::create_dir_all(target.parent().unwrap_or(&self.mount_point)).expect("there is room for folders");
            std::fs::write(&target, contents).expect("there is room for the project");
        }
    }

    /// Leaves about so many bytes free.
    fn fill(&self, n_left: u64) {
        let mut filler = File::create(self.mount_point.join("filler")).expect("there is room for an empty file");
        let mut n_bytes: u64 = 0;
        while let Ok(n @ 1..) = filler.write(&[0; 4096]) {
            n_bytes += n as u64;
        }
        filler.set_len(n_bytes.saturating_sub(n_left)).expect("a file can be made shorter");
    }

    fn make_room(&self) {
        std::fs::remove_file(self.mount_point.join("filler")).expect("it was there");
    }

    fn yw(&self, args: &[&str]) -> Captured {
        yw(args).dir(&self.mount_point).run()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.mount_point).status();
    }
}

#[test]
fn fails_a_run_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    disk.hold(&fit_project());
    disk.yw(&["run"]).success();
    let report = std::fs::read(disk.path().join("report.html")).expect("a report");
    // Other answers, so that another artifact and another report must be written.
    let test = std::fs::read_to_string(disk.path().join("train.csv")).expect("the data");
    let fewer: Vec<&str> = test.lines().take(70).collect();
    std::fs::write(disk.path().join("train.csv"), fewer.join("\n") + "\n").expect("it is smaller");
    for n_left in [0, 8 << 10, 64 << 10] {
        disk.fill(n_left);
        let captured = disk.yw(&["run"]).exits_with(1);
        assert!(captured.stderr.contains("no space") || captured.stderr.contains("No space"), "{}", captured.stderr);
        assert_eq!(std::fs::read(disk.path().join("report.html")).ok().as_ref(), Some(&report), "the report of before");
        disk.make_room();
        let shown = disk.yw(&["runs", "--format", "json"]).success().stdout;
        assert!(shown.contains("\"words\""), "{shown}");
    }
    disk.yw(&["run"]).success();
    let predicted = disk.yw(&["predict", "triage", "test.csv"]).success();
    assert_eq!(predicted.stdout.lines().count(), 31);
}

#[test]
fn stops_asking() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    let project =
        AskProject::new(AskSetup { n_test: 200, provider: "concurrency = 4", ..AskSetup::default() }, right_answers);
    disk.hold(&project.workspace);
    disk.yw(&["run", "--max-usd", "0"]).success();
    disk.fill(48 << 10);
    let captured = disk.yw(&["run"]);
    assert_eq!(captured.code, Some(1), "{captured:?}");
    assert!(captured.stderr.to_lowercase().contains("no space"), "{}", captured.stderr);
    let n_paid = project.server.bill().usage.calls;
    assert!(n_paid < 200, "no more is paid for than can be kept");
    disk.make_room();
    let kept = disk.yw(&["run", "--max-usd", "0", "--format", "json"]).success();
    let n_kept = Candidate::of(&record(&kept), "asked").count("/usage/calls");
    assert!(n_paid <= n_kept + 4, "{n_paid} replies were paid for, {n_kept} are kept");
    disk.yw(&["run"]).success();
}

#[test]
fn fails_a_prediction_and_leaves_no_half_file() {
    let Some(disk) = SmallDisk::mount(4096) else { return };
    disk.hold(&fitted_project());
    let csv = std::fs::read_to_string(disk.path().join("test.csv")).expect("the data");
    let rows: String = csv.lines().skip(1).map(|l| format!("{l}\n")).collect();
    let header = csv.lines().next().unwrap_or_default();
    std::fs::write(disk.path().join("many.csv"), format!("{header}\n{}", rows.repeat(300))).expect("there is room");
    std::fs::write(disk.path().join("out.csv"), "of yesterday").expect("there is room");
    disk.fill(256 << 10);
    for name in ["out.csv", "out.jsonl", "out.parquet"] {
        let captured = disk.yw(&["predict", "triage", "many.csv", "-o", name]);
        if name == "out.parquet" && captured.code == Some(0) {
            continue; // columns compress well enough to fit
        }
        assert_eq!(captured.code, Some(1), "{name}: {captured:?}");
        let message = format!("no space left on the device while writing {name}");
        assert!(captured.stderr.contains(&message), "{}", captured.stderr);
    }
    assert_eq!(std::fs::read_to_string(disk.path().join("out.csv")).expect("it is there"), "of yesterday");
    let parts = files_below(disk.path()).into_iter().filter(|(p, _)| p.to_string_lossy().ends_with(".part")).count();
    assert_eq!((parts, disk.path().join("out.jsonl").exists()), (0, false), "no half file");
    disk.make_room();
    disk.yw(&["predict", "triage", "test.csv", "-o", "out.csv"]).success();
}

#[test]
fn acknowledges_nothing_that_is_not_in_the_log() {
    let Some(disk) = SmallDisk::mount(2048) else { return };
    disk.hold(&fitted_project());
    disk.fill(96 << 10);
    let serve = || {
        let mut running = yw(["serve", "--address", "127.0.0.1:0"]).dir(disk.path()).spawn();
        let address = running.wait_for_address();
        (running, Client(address.trim_start_matches("http://").to_owned()))
    };
    let (running, client) = serve();
    let body = serde_json::json!({ "subject": "Invoice", "body": "Charged twice. ".repeat(200) }).to_string();
    let predict = |client: &Client| client.post("/v1/tasks/triage/predict", &body);
    let mut ids = Vec::new();
    let refused = loop {
        let response = predict(&client);
        if response.status != 200 {
            break response;
        }
        ids.push(response.json()["id"].clone());
        assert!(ids.len() < 10_000, "the disk never fills");
    };
    assert_eq!((refused.status, refused.error_code().as_str()), (500, "internal"));
    client.get("/healthz").has_status(200);
    disk.make_room();
    wait_until("it goes on", || predict(&client).status == 200);
    running.kill();
    let (running, client) = serve();
    assert!(!ids.is_empty());
    for id in &ids {
        let body = serde_json::json!({ "id": id, "score": 1 }).to_string();
        client.post("/v1/feedback", body).has_status(201);
    }
    running.terminate().success();
}
