//! Keys of the gateway's clients.

use serde_json::json;
use yw_store::{KeyRecord, StoreError};

use crate::support::{Project, at};

fn key(id: &str, name: &str) -> KeyRecord {
    KeyRecord {
        id: id.into(),
        name: name.into(),
        hash: *blake3::hash(id.as_bytes()).as_bytes(),
        created: at(0),
        expires: None,
        revoked: None,
        spec: json!({ "models": ["openai/*"], "usd": { "month": "20" } }),
    }
}

#[tokio::test]
async fn keys_are_read_as_they_were_made() {
    let project = Project::new();
    let store = project.open().await;
    let a = KeyRecord { expires: Some(at(100)), ..key("k1", "app") };
    let b = KeyRecord { created: at(5), ..key("k2", "Größe") };
    store.key_create(&a).await.unwrap();
    store.key_create(&b).await.unwrap();
    drop(store);
    let store = project.open().await;
    assert_eq!(store.keys().await.unwrap(), [a.clone(), b.clone()]);
    assert!(a.is_valid(at(99)) && !a.is_valid(at(100)) && b.is_valid(at(1_000)));
}

#[tokio::test]
async fn a_name_is_free_when_its_key_is_no_longer_valid() {
    let project = Project::new();
    let store = project.open().await;
    store.key_create(&key("k1", "app")).await.unwrap();
    for other in [key("k2", "app"), key("k1", "other"), KeyRecord { hash: key("k1", "").hash, ..key("k3", "other") }] {
        let error = store.key_create(&other).await.unwrap_err();
        assert!(matches!(error, StoreError::Exists { what: "key", .. }), "{error}");
    }
    assert_eq!(store.key_revoke("app", at(10)).await.unwrap().revoked, Some(at(10)));
    let expiring = KeyRecord { created: at(11), expires: Some(at(20)), ..key("k2", "app") };
    store.key_create(&expiring).await.unwrap();
    let early = KeyRecord { created: at(19), ..key("k3", "app") };
    assert!(matches!(store.key_create(&early).await, Err(StoreError::Exists { .. })));
    store.key_create(&KeyRecord { created: at(20), ..key("k3", "app") }).await.unwrap();
    let keys = store.keys().await.unwrap();
    let living: Vec<&str> = keys.iter().filter(|k| k.is_valid(at(21))).map(|k| k.id.as_str()).collect();
    assert_eq!((keys.len(), living), (3, vec!["k3"]));
}

#[tokio::test]
async fn a_key_is_revoked_by_its_id_before_a_name() {
    let project = Project::new();
    let store = project.open().await;
    store.key_create(&key("k1", "k2")).await.unwrap();
    store.key_create(&key("k2", "k1")).await.unwrap();
    assert_eq!(store.key_revoke("k1", at(1)).await.unwrap().id, "k1");
    assert_eq!(store.key_revoke("k1", at(2)).await.unwrap().id, "k2", "by its name, for the id is revoked");
    for none in ["k1", "k2", "k3"] {
        let error = store.key_revoke(none, at(3)).await.unwrap_err();
        assert!(matches!(&error, StoreError::NotFound { id, .. } if id == none), "{error}");
    }
}

#[tokio::test]
async fn every_change_shows_in_the_version_to_everybody() {
    let project = Project::new();
    let [store, other] = [project.open().await, project.open().await];
    let before = other.keys_version().await.unwrap();
    store.key_create(&key("k1", "app")).await.unwrap();
    let created = other.keys_version().await.unwrap();
    assert!(created > before);
    assert!(store.key_create(&key("k1", "app")).await.is_err());
    assert_eq!(other.keys_version().await.unwrap(), created, "nothing changed");
    store.key_revoke("app", at(1)).await.unwrap();
    assert!(other.keys_version().await.unwrap() > created);
}
