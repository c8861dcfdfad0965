//! A budget is never passed.

use std::sync::Arc;

use futures::future::join_all;
use yw_gateway::{Budget, CallError, CallOptions, Gateway};
use yw_task::{Dialect, Usd};
use yw_testkit::{Fault, Script, ScriptedServer, Tokens, When};

use crate::{fake, gateway, gateway_to, model, provider, request, yes};

/// The most that one of these tests' calls can cost: its bytes and 2,048 tokens more at $1, 50 tokens at $5.
fn bound_of_one() -> Usd {
    let body = r#"{"model":"some-model","messages":[{"role":"user","content":"call 10"}],"max_tokens":50}"#;
    Usd::from_picos((body.len() as i128 + 2_048) * 1_000_000 + 50 * 5_000_000)
}

/// Fifty different calls at one time; how many were answered, and how many the budget forbade.
async fn fifty_calls(gateway: Gateway, budget: &Arc<Budget>) -> (usize, usize) {
    let gateway = Arc::new(gateway);
    let calls = (10..60).map(|i| {
        let (gateway, budget) = (gateway.clone(), budget.clone());
        tokio::spawn(async move {
            let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
            let result = gateway.complete(&model(), &request(&format!("call {i}")), &options).await;
            assert!(budget.spent() + budget.reserved() <= budget.limit());
            result
        })
    });
    let results = join_all(calls).await;
    let n_answered = results.iter().filter(|result| matches!(result, Ok(Ok(_)))).count();
    let n_forbidden = results.iter().filter(|result| matches!(result, Ok(Err(CallError::Budget { .. })))).count();
    assert!(results.iter().all(Result::is_ok), "no task panicked");
    (n_answered, n_forbidden)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_at_once_use_the_budget_and_do_not_pass_it() {
    // Each call costs $0.00115 and may cost $0.0024.
    let script = yes().tokens(|_, _| Tokens { input: 1_000, output: 30, ..Tokens::default() });
    let server = ScriptedServer::start(script).await.unwrap();
    let one = Usd::from_dollars(0.00115);
    let budget = Arc::new(Budget::new(one.times(20)));
    let (n_answered, n_forbidden) = fifty_calls(gateway(&server, None), &budget).await;
    assert_eq!(budget.spent(), server.bill().usage.usd);
    assert_eq!(budget.spent(), one.times(n_answered as u64));
    assert_eq!((budget.reserved(), n_answered + n_forbidden), (Usd::ZERO, 50));
    // It goes on until the next call might not fit.
    assert!(budget.limit() - budget.spent() < bound_of_one(), "{n_answered} answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_that_are_lost_count_as_spent() {
    let script = yes().fault(When::Chance(0.3), Fault::CutMidBody).fault(When::Chance(0.2), Fault::status(500)).seed(7);
    let server = ScriptedServer::start(script).await.unwrap();
    let budget = Arc::new(Budget::new(bound_of_one().times(10)));
    let (n_answered, _) = fifty_calls(gateway(&server, None), &budget).await;
    let bill = server.bill();
    assert!(bill.cut > 0 && n_answered > 0);
    assert_eq!(budget.spent(), bill.usage.usd);
    assert_eq!(budget.reserved(), bound_of_one().times(bill.cut));
    assert!(budget.spent() + budget.reserved() <= budget.limit());
}

#[tokio::test]
async fn a_budget_of_nothing_asks_nothing() {
    let server = ScriptedServer::start(yes()).await.unwrap();
    let budget = Arc::new(Budget::new(Usd::ZERO));
    assert_eq!(fifty_calls(gateway(&server, None), &budget).await, (0, 50));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_usage_costs_its_reservation() {
    let body = r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#;
    let base_url = fake::start("200 OK", "", body).await;
    let gateway = gateway_to(provider(Dialect::OpenAi, base_url), None);
    let budget = Budget::new(Usd::from_dollars(1.0));
    let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
    let reply = gateway.complete(&model(), &request("call 10"), &options).await.unwrap();
    assert_eq!((reply.response.usage, reply.usage.usd), (None, Usd::ZERO));
    assert_eq!(budget.spent(), bound_of_one());
}

#[tokio::test]
async fn a_call_that_is_abandoned_keeps_its_reservation() {
    let server = ScriptedServer::start(Script::answer(|_| "yes").fault(When::Always, Fault::Hang)).await.unwrap();
    let gateway = gateway(&server, None);
    let budget = Budget::new(Usd::from_dollars(1.0));
    let options = CallOptions { budget: Some(&budget), ..CallOptions::default() };
    let (model, request) = (model(), request("call 10"));
    let call = gateway.complete(&model, &request, &options);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(100), call).await.is_err());
    assert_eq!(server.requests().len(), 1);
    assert_eq!((budget.spent(), budget.reserved()), (Usd::ZERO, bound_of_one()));
}
