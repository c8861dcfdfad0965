//! The cache of responses.

use yw_store::{CachedResponse, Store};

use crate::support::{Project, at};

fn response(seconds: i64, n_bytes: usize) -> CachedResponse {
    CachedResponse { at: at(seconds), content_type: "text/event-stream".into(), body: vec![7; n_bytes] }
}

fn key(n: usize) -> [u8; 32] {
    *blake3::hash(&n.to_le_bytes()).as_bytes()
}

async fn kept(store: &Store, n: usize) -> Vec<usize> {
    let mut kept = Vec::new();
    for n in 0..n {
        if store.cache_get(&key(n), at(0)).await.unwrap().is_some() {
            kept.push(n);
        }
    }
    kept
}

#[tokio::test]
async fn an_answer_is_given_until_it_expires() {
    let project = Project::new();
    let store = project.open().await;
    assert_eq!(store.cache_get(&key(1), at(0)).await.unwrap(), None);
    store.cache_put(&key(1), &response(0, 10), at(60)).await.unwrap();
    assert_eq!(store.cache_get(&key(1), at(59)).await.unwrap(), Some(response(0, 10)));
    assert_eq!(store.cache_get(&key(1), at(60)).await.unwrap(), None);
    store.cache_put(&key(1), &response(60, 0), at(120)).await.unwrap();
    assert_eq!(store.cache_get(&key(1), at(60)).await.unwrap(), Some(response(60, 0)));
    assert_eq!(store.cache_get(&key(2), at(60)).await.unwrap(), None);
}

#[tokio::test]
async fn trimming_forgets_what_has_expired_and_then_the_oldest() {
    let project = Project::new();
    let store = project.open().await;
    for n in 0..200 {
        let expires = if n % 2 == 0 { at(50) } else { at(5_000) };
        store.cache_put(&key(n), &response(n as i64, 1_000), expires).await.unwrap();
    }
    let trimmed = store.cache_trim(at(50), u64::MAX).await.unwrap();
    assert_eq!(trimmed.responses, 100);
    let odd: Vec<usize> = (0..200).filter(|n| n % 2 == 1).collect();
    assert_eq!(kept(&store, 200).await, odd);

    let trimmed = store.cache_trim(at(50), trimmed.bytes_left / 2).await.unwrap();
    let left = kept(&store, 200).await;
    assert_eq!(left, odd[trimmed.responses as usize..]);
    assert!((20..=50).contains(&left.len()), "{left:?}");
    assert_eq!(store.cache_trim(at(50), trimmed.bytes_left).await.unwrap().responses, 0);

    let trimmed = store.cache_trim(at(50), 0).await.unwrap();
    assert_eq!((trimmed.responses, trimmed.bytes_left), (left.len() as u64, 0));
}
