//! Data that cannot be used, and what is said about it.

use yw_arena::TaskData;
use yw_testkit::{Fixture, Workspace};

use crate::support::{FITTED, load, project_of, run};

async fn error(workspace: &Workspace) -> String {
    let project = load(workspace);
    let error = TaskData::load(&project.tasks[0], &project.dir).await.err().expect("the data cannot be used");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

#[tokio::test]
async fn bad_files_are_named() {
    let workspace = project_of(&Fixture::tickets(40, 1), FITTED);
    workspace.write("test.csv", "subject,body,plan,seats,team\n");
    assert_eq!(error(&workspace).await, "cannot read the test data of task `t`: test.csv has no rows");
    workspace.write("test.csv", "subject,body,plan,seats,team\na,b,c,many,billing\n");
    assert!(
        error(&workspace).await.starts_with("cannot read the test data of task `t`: none of the 1 rows of test.csv")
    );
    std::fs::remove_file(workspace.join("train.csv")).unwrap();
    assert!(error(&workspace).await.starts_with("cannot read the training data of task `t`: "));
}

#[tokio::test]
async fn rows_that_cannot_be_split_are_explained() {
    let workspace = project_of(&Fixture::tickets(40, 1), FITTED);
    let toml = workspace.read("yellowwood.toml");
    workspace.write("yellowwood.toml", toml.replace("\"test.csv\"", "{ folds = 50 }"));
    assert_eq!(
        error(&workspace).await,
        "cannot split the data of task `t`: too few rows to split: 30, at least 50 are needed"
    );
}

#[tokio::test]
async fn rows_that_were_left_out_are_noted() {
    let workspace = project_of(&Fixture::tickets(40, 1), FITTED);
    workspace.write("test.csv", workspace.read("test.csv") + "a,b,c,many,billing\n");
    let finished = run(&workspace).await;
    assert_eq!(finished.report.data.notes, ["1 test rows were left out; `yw check` lists them"]);
    assert_eq!(finished.report.data.test_rows, 10);
}
