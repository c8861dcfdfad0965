//! Which failures are waited for, and how.

use std::time::Duration;

use yw_gateway::{Budget, CallError, CallOptions, Secret};
use yw_task::{Dialect, Usd};
use yw_testkit::{Fault, ScriptedServer, When};

use crate::{ask, fake, gateway, gateway_to, model, provider, request, yes};

/// Two failures, then an answer. `may_be_billed`: whether the failed attempts count against a budget.
async fn check_passing(fault: Fault, may_be_billed: bool) {
    // Bedrock tells errors of whole replies by the status alone.
    let is_possible = |dialect: &Dialect| !(*dialect == Dialect::Bedrock && fault == Fault::ErrorInReply);
    for dialect in Dialect::ALL.into_iter().filter(is_possible) {
        let script = yes().fault(When::FirstAttempts(2), fault.clone());
        let server = ScriptedServer::start(script).await.unwrap();
        // Bedrock answers nobody without a key or a signature.
        let mut config = provider(dialect, server.base_url(dialect)).with_api_key(Secret::new("sk-test"));
        config.timeout = Duration::from_millis(400);
        let gateway = gateway_to(config, None);
        let budget = Budget::new(Usd::from_dollars(1.0));
        let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
        let reply = gateway.complete(&model(), &request("a"), &options).await;
        let reply = reply.unwrap_or_else(|e| panic!("{dialect} {fault:?}: {e}"));
        assert_eq!(reply.usage, server.bill().usage, "{dialect} {fault:?}");
        assert_eq!(server.requests().len(), 3, "{dialect} {fault:?}");
        assert_eq!(budget.spent(), reply.usage.usd, "{dialect} {fault:?}");
        assert_eq!(budget.reserved() > Usd::ZERO, may_be_billed, "{dialect} {fault:?}");
    }
}

#[tokio::test]
async fn failures_that_pass_are_waited_for() {
    for code in [408, 409, 429, 500, 502, 503, 504, 529] {
        check_passing(Fault::status(code), false).await;
    }
    check_passing(Fault::rate_limited(Duration::from_millis(5)), false).await;
    let page = Fault::Status { code: 502, retry_after: None, body: Some("<html>Bad Gateway</html>".into()) };
    check_passing(page, false).await;
}

#[tokio::test]
async fn lost_replies_are_asked_for_again_and_count_as_spent() {
    for fault in [
        Fault::CutBeforeHeaders,
        Fault::CutMidBody,
        Fault::Reset,
        Fault::MalformedJson,
        Fault::InvalidUtf8,
        Fault::ErrorInReply,
        Fault::Hang,
        Fault::SlowHeaders(Duration::from_secs(5)),
    ] {
        check_passing(fault, true).await;
    }
}

#[tokio::test]
async fn slow_pieces_are_put_together() {
    let server = ScriptedServer::start(yes().fault(When::Always, Fault::Fragments(3))).await.unwrap();
    assert_eq!(ask(&gateway(&server, None), "a").await.unwrap().response.text, "yes");
}

#[tokio::test]
async fn what_will_not_pass_fails_at_once() {
    for code in [400, 401, 403, 404, 413, 422, 302] {
        let server = ScriptedServer::start(yes().fault(When::Always, Fault::status(code))).await.unwrap();
        let error = ask(&gateway(&server, None), "a").await.unwrap_err();
        assert!(matches!(&error, CallError::Refused { status, .. } if *status == code), "{error}");
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn an_account_without_money_is_not_asked_again() {
    let body = r#"{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}"#;
    let base_url = fake::start("429 Too Many Requests", "", body).await;
    let error = ask(&gateway_to(provider(Dialect::OpenAi, base_url), None), "a").await.unwrap_err();
    assert_eq!(error.to_string(), "`scripted/some-model` refused the request with status 429: You exceeded your quota");
}

#[tokio::test]
async fn retries_end() {
    let server = ScriptedServer::start(yes().fault(When::Always, Fault::status(503))).await.unwrap();
    let mut config = provider(Dialect::OpenAi, server.base_url_openai());
    config.max_retries = 2;
    let error = ask(&gateway_to(config, None), "a").await.unwrap_err();
    assert!(matches!(&error, CallError::Exhausted { attempts: 3, last, .. } if last.contains("503")), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_server_that_is_not_there_costs_nothing() {
    let server = ScriptedServer::start(yes()).await.unwrap();
    let gateway = gateway(&server, None);
    drop(server);
    let budget = Budget::new(Usd::from_dollars(1.0));
    let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
    let error = gateway.complete(&model(), &request("a"), &options).await.unwrap_err();
    assert!(matches!(&error, CallError::Exhausted { attempts: 5, last, .. } if last.contains("refused")), "{error}");
    assert_eq!((budget.spent(), budget.reserved()), (Usd::ZERO, Usd::ZERO));
}

#[tokio::test]
async fn whoever_asks_for_a_long_pause_is_not_asked_again() {
    let script = yes().fault(When::Always, Fault::rate_limited(Duration::from_secs(121)));
    let server = ScriptedServer::start(script).await.unwrap();
    let error = ask(&gateway(&server, None), "a").await.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { attempts: 1, .. }), "{error}");
    let base_url = fake::start("500 Oh", "x-should-retry: false\r\n", "").await;
    let error = ask(&gateway_to(provider(Dialect::OpenAi, base_url), None), "a").await.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { attempts: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_rate_limit_pauses_the_whole_provider() {
    let pause = Duration::from_millis(300);
    let server = ScriptedServer::start(yes().fault(When::Nth(1), Fault::rate_limited(pause))).await.unwrap();
    let gateway = gateway(&server, None);
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&gateway, "b").await
    };
    let (first, late) = tokio::join!(ask(&gateway, "a"), late);
    assert!(first.is_ok() && late.is_ok());
    let times: Vec<_> = server.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 3);
    assert!(times[1..].iter().all(|time| *time - times[0] >= pause - Duration::from_millis(5)), "{times:?}");
}

#[tokio::test]
async fn an_endless_answer_is_given_up() {
    let server = ScriptedServer::start(yes().fault(When::Always, Fault::HugeBody(33 << 20))).await.unwrap();
    let error = ask(&gateway(&server, None), "a").await.unwrap_err();
    assert!(error.to_string().contains("longer than 33554432 bytes"), "{error}");
    assert_eq!(server.requests().len(), 1);
}
