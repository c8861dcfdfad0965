//! What a reply says, and that none is paid for twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use yw_gateway::{CallError, CallOptions, MemoryReplyStore, ReplyStore, Secret, StoreError};
use yw_task::{BoxFuture, Dialect, Usage, Usd};
use yw_testkit::{Script, ScriptedServer};

use crate::{ask, gateway, gateway_to, model, provider, request, yes};

#[tokio::test]
async fn a_reply_costs_what_the_provider_bills() {
    for dialect in Dialect::ALL {
        let script =
            yes().tokens(|_, _| yw_testkit::Tokens { input: 1_000, cached: 400, output: 30, ..Default::default() });
        let server = ScriptedServer::start(script.require_key("sk-test")).await.unwrap();
        let config = provider(dialect, server.base_url(dialect)).with_api_key(Secret::new("sk-test"));
        let reply = ask(&gateway_to(config, None), "Is water wet?").await.unwrap();
        assert_eq!(reply.response.text, "yes");
        assert_eq!(reply.usage, server.bill().usage);
        assert_eq!(reply.usage.usd, Usd::from_picos(600 * 1_000_000 + 400 * 100_000 + 30 * 5_000_000));
        assert!(!reply.reused && reply.latency > Duration::ZERO);

        let sent = server.requests().remove(0);
        assert_eq!(sent.header("content-type"), Some("application/json"));
        assert_eq!(sent.header("idempotency-key").map(str::len), Some(64));
        match dialect {
            Dialect::Gemini | Dialect::Bedrock => assert!(sent.path.contains("/some-model"), "{}", sent.path),
            _ => assert_eq!(sent.body["model"], "some-model"),
        }
    }
}

#[tokio::test]
async fn a_kept_reply_is_the_same_and_costs_nothing_now() {
    let store: Arc<dyn ReplyStore> = Arc::new(MemoryReplyStore::default());
    let server = ScriptedServer::start(yes()).await.unwrap();
    let paid = ask(&gateway(&server, Some(store.clone())), "a").await.unwrap();
    // Another process, later: the address counts, but nobody needs to be there.
    let later = gateway(&server, Some(store));
    drop(server);
    let reused = ask(&later, "a").await.unwrap();
    assert!(reused.reused && !paid.reused);
    assert_eq!((&reused.response, reused.latency.as_micros()), (&paid.response, paid.latency.as_micros()));
    assert_eq!(reused.usage, Usage { usd_reused: paid.usage.usd, ..paid.usage });
    assert_eq!((paid.usage.usd_spent(), reused.usage.usd_spent()), (paid.usage.usd, Usd::ZERO));
}

#[tokio::test]
async fn only_the_same_call_finds_a_reply() {
    let store: Arc<dyn ReplyStore> = Arc::new(MemoryReplyStore::default());
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, Some(store));
    for (text, salt, reuse, n_requests) in [
        ("a", 0, true, 1),
        ("a", 0, true, 1),
        ("b", 0, true, 2),
        ("a", 1, true, 3),
        ("a", 0, false, 4),
        ("a", 1, true, 4),
    ] {
        let options = CallOptions { salt, reuse, ..CallOptions::default() };
        gateway.complete(&model(), &request(text), &options).await.unwrap();
        assert_eq!(server.requests().len(), n_requests, "{text} {salt} {reuse}");
    }
}

#[tokio::test]
async fn identical_calls_at_one_time_are_made_once() {
    for store in [None, Some(Arc::new(MemoryReplyStore::default()) as Arc<dyn ReplyStore>)] {
        let server = ScriptedServer::start(yes().latency(Duration::from_millis(30))).await.unwrap();
        let gateway = gateway(&server, store);
        let replies = join_all((0..10).map(|_| ask(&gateway, "a"))).await;
        let usages: Vec<Usage> = replies.into_iter().map(|reply| reply.unwrap().usage).collect();
        assert_eq!(server.requests().len(), 1);
        let spent: Usd = usages.iter().map(Usage::usd_spent).sum();
        assert_eq!(spent, server.bill().usage.usd);
        assert!(usages.iter().all(|usage| usage.usd == usages[0].usd));
    }
}

#[tokio::test]
async fn when_the_one_who_asks_gives_up_the_next_one_asks() {
    let server = ScriptedServer::start(yes().latency(Duration::from_millis(80))).await.unwrap();
    let gateway = gateway(&server, None);
    let impatient = tokio::time::timeout(Duration::from_millis(20), ask(&gateway, "a"));
    let (impatient, patient) = tokio::join!(impatient, ask(&gateway, "a"));
    assert!(impatient.is_err());
    assert!(!patient.unwrap().reused);
}

/// A store that waits for leave to put, and can be full.
#[derive(Default)]
struct WaywardStore {
    inner: MemoryReplyStore,
    leave: Option<Semaphore>,
    is_full: AtomicBool,
}

impl ReplyStore for WaywardStore {
    fn get<'a>(&'a self, key: &'a [u8; 32]) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.inner.get(key)
    }

    fn put<'a>(&'a self, key: &'a [u8; 32], reply: Vec<u8>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(leave) = &self.leave {
                leave.acquire().await?.forget();
            }
            if self.is_full.load(Ordering::SeqCst) {
                return Err("no space left on device".into());
            }
            self.inner.put(key, reply).await
        })
    }
}

#[tokio::test]
async fn no_reply_is_returned_before_it_is_kept() {
    let store = Arc::new(WaywardStore { leave: Some(Semaphore::new(0)), ..Default::default() });
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, Some(store.clone()));
    let mut call = std::pin::pin!(ask(&gateway, "a"));
    assert!(tokio::time::timeout(Duration::from_millis(150), call.as_mut()).await.is_err());
    assert_eq!(server.bill().usage.calls, 1);
    store.leave.as_ref().unwrap().add_permits(1);
    assert!(!call.await.unwrap().reused);
    assert!(ask(&gateway, "a").await.unwrap().reused);
}

#[tokio::test]
async fn while_the_store_is_full_nothing_is_paid_for() {
    let store = Arc::new(WaywardStore::default());
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, Some(store.clone()));
    store.is_full.store(true, Ordering::SeqCst);
    for text in ["a", "b", "a"] {
        let error = ask(&gateway, text).await.unwrap_err();
        assert!(matches!(&error, CallError::Store { source, .. } if source.to_string().contains("no space left")));
    }
    assert_eq!(server.requests().len(), 1);
    store.is_full.store(false, Ordering::SeqCst);
    assert!(ask(&gateway, "a").await.unwrap().reused, "the reply that was paid for is kept after all");
    assert!(!ask(&gateway, "b").await.unwrap().reused);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_damaged_reply_is_an_error_and_not_paid_for_again() {
    let store = Arc::new(MemoryReplyStore::default());
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, Some(store.clone()));
    ask(&gateway, "a").await.unwrap();
    let key = server.requests()[0].header("idempotency-key").unwrap().to_owned();
    let key: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&key[2 * i..2 * i + 2], 16).unwrap()).collect();
    let key: [u8; 32] = key.try_into().unwrap();
    let bytes = store.get(&key).await.unwrap().expect("the idempotency key is the key of the store");
    store.put(&key, bytes[..10].to_vec()).await.unwrap();
    let error = ask(&gateway, "a").await.unwrap_err();
    assert!(matches!(&error, CallError::Store { source, .. } if source.to_string() == "a kept reply is damaged"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_more_requests_run_at_once_than_allowed() {
    let server = ScriptedServer::start(Script::answer(|_| "yes").latency(Duration::from_millis(10))).await.unwrap();
    let mut config = provider(Dialect::OpenAi, server.base_url_openai());
    config.concurrency = 3;
    let gateway = gateway_to(config, None);
    let texts: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    let replies = join_all(texts.iter().map(|text| ask(&gateway, text))).await;
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!(server.peak_in_flight(), 3);
}
