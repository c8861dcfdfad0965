//! Promotions, and going back.

use yw_store::{ArtifactProblem, Store, StoreError};

use crate::support::{Project, at, promotion};

/// The candidates of the history, the present champion first, those that came back with a `<`.
async fn history(store: &Store) -> String {
    let champions = store.champion_history("triage", 100).await.unwrap();
    champions.iter().map(|c| format!("{}{} ", c.candidate, if c.is_return { "<" } else { "" })).collect()
}

#[tokio::test]
async fn going_back_is_undo() {
    let project = Project::new();
    let store = project.open().await;
    let [a, b, c] = [project.put(&store, "a").await, project.put(&store, "b").await, project.put(&store, "c").await];
    assert_eq!(store.champion("triage").await.unwrap(), None);
    assert_eq!(store.promote_back("triage", at(0)).await.unwrap(), None);

    store.promote(&promotion("a", &a, 1)).await.unwrap();
    store.promote(&promotion("b", &b, 2)).await.unwrap();
    store.promote(&promotion("c", &c, 3)).await.unwrap();
    let back = store.promote_back("triage", at(4)).await.unwrap().unwrap();
    assert_eq!((back.artifact.clone(), back.since, back.is_return), (b.clone(), at(4), true));
    assert_eq!(store.champion("triage").await.unwrap(), Some(back));
    store.promote_back("triage", at(5)).await.unwrap();
    assert_eq!(history(&store).await, "a< b< c b a ");
    assert_eq!(store.promote_back("triage", at(6)).await.unwrap(), None, "nothing was before the first");

    // What was promoted after going back goes back to where it came from.
    store.promote(&promotion("c", &c, 7)).await.unwrap();
    store.promote_back("triage", at(8)).await.unwrap();
    assert_eq!(history(&store).await, "a< c a< b< c b a ");
    assert_eq!(store.promote_back("triage", at(9)).await.unwrap(), None);
}

#[tokio::test]
async fn promoting_the_champion_changes_nothing() {
    let project = Project::new();
    let store = project.open().await;
    let a = project.put(&store, "a").await;
    let first = store.promote(&promotion("a", &a, 1)).await.unwrap();
    let generation = store.champions_generation().await.unwrap();
    assert_eq!(store.promote(&promotion("a", &a, 2)).await.unwrap(), first);
    assert_eq!(store.champions_generation().await.unwrap(), generation);
    // The same files under another name are another version.
    store.promote(&promotion("renamed", &a, 3)).await.unwrap();
    assert_eq!(history(&store).await, "renamed a ");
    assert!(store.champions_generation().await.unwrap() > generation);
}

#[tokio::test]
async fn tasks_do_not_see_each_other() {
    let project = Project::new();
    let store = project.open().await;
    let a = project.put(&store, "a").await;
    store.promote(&promotion("a", &a, 1)).await.unwrap();
    store.promote(&yw_store::Promotion { task: "refunds".into(), ..promotion("b", &a, 2) }).await.unwrap();
    assert_eq!(store.champion("triage").await.unwrap().unwrap().candidate, "a");
    assert_eq!(store.promote_back("refunds", at(3)).await.unwrap(), None);
    assert_eq!(store.champion("refunds").await.unwrap().unwrap().candidate, "b");
}

#[tokio::test]
async fn what_is_not_in_the_store_cannot_answer() {
    let project = Project::new();
    let store = project.open().await;
    let missing = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let error = store.promote(&promotion("a", &missing, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Artifact { problem: ArtifactProblem::Missing, .. }), "{error}");
    assert_eq!(store.champion("triage").await.unwrap(), None);
}
