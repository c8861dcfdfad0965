//! Paid replies.

use crate::support::Project;

fn key(n: u32) -> [u8; 32] {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_le_bytes());
    key
}

#[tokio::test]
async fn the_last_put_wins() {
    let project = Project::new();
    let store = project.open().await;
    assert_eq!(store.replies_get(&key(1)).await.unwrap(), None);
    store.replies_put(&key(1), b"first").await.unwrap();
    store.replies_put(&key(1), b"").await.unwrap();
    assert_eq!(store.replies_get(&key(1)).await.unwrap().as_deref(), Some(&b""[..]));
    assert_eq!(store.replies_get(&key(2)).await.unwrap(), None);
}

#[tokio::test]
async fn concurrent_puts_are_all_there() {
    let project = Project::new();
    let store = project.open().await;
    let puts: Vec<_> = (0..1_000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.replies_put(&key(n), format!("reply {n}").as_bytes()).await })
        })
        .collect();
    for put in puts {
        put.await.unwrap().unwrap();
    }
    drop(store);
    let store = project.open().await;
    for n in 0..1_000 {
        assert_eq!(store.replies_get(&key(n)).await.unwrap().unwrap(), format!("reply {n}").as_bytes());
    }
}

#[tokio::test]
async fn a_put_that_nobody_waits_for_happens() {
    let project = Project::new();
    let store = project.open().await;
    // Polled once, which hands it over, and dropped.
    let _ = tokio::time::timeout(std::time::Duration::ZERO, store.replies_put(&key(1), b"paid")).await;
    store.replies_put(&key(2), b"later").await.unwrap();
    assert_eq!(store.replies_get(&key(1)).await.unwrap().as_deref(), Some(&b"paid"[..]));
}
