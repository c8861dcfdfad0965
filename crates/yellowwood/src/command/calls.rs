//! `yw calls`: what went through the server, and what it cost.

use jiff::Timestamp;
use yw_store::{CallFilter, CallGroup, CallOutcome, StoreError};

use super::when;
use crate::cli::{CallsArgs, CallsBy};
use crate::failure::Failure;
use crate::{exit, output, project};

pub(crate) async fn run(args: &CallsArgs) -> Result<u8, Failure> {
    let filter = filter(args)?;
    let project = project::open(args.project.as_ref())?;
    if !project::has_store(&project) {
        output::note("there are no calls yet; `yw serve` takes them");
        return Ok(exit::OK);
    }
    let store = project::store(&project).await?;
    if let Some(id) = &args.id {
        let call = store.call(id).await.map_err(failed)?.ok_or_else(|| {
            Failure::message(exit::FAILURE, format!("there is no call {id}")).with_hint("`yw calls` lists them")
        })?;
        output::line(serde_json::to_string_pretty(&call).map_err(|e| Failure::from_error(exit::FAILURE, &e))?);
        return Ok(exit::OK);
    }
    if args.by.is_empty() {
        let calls = store.calls(&filter).await.map_err(failed)?;
        output::line(output::calls_list(&calls, args.format)?);
    } else {
        let groups: Vec<CallGroup> = args.by.iter().copied().map(group).collect();
        let sums = store.call_sums(&filter, &groups).await.map_err(failed)?;
        output::line(output::call_sums(&args.by, &sums, args.format)?);
    }
    Ok(exit::OK)
}

fn filter(args: &CallsArgs) -> Result<CallFilter, Failure> {
    let now = Timestamp::now();
    let at = |option, text: &Option<String>| text.as_deref().map(|text| when::past(option, text, now)).transpose();
    Ok(CallFilter {
        since: at("since", &args.since)?,
        until: at("until", &args.until)?,
        key: args.key.clone(),
        model: args.model.clone(),
        provider: args.provider.clone(),
        route: args.route.clone(),
        outcome: args.status.map(CallOutcome::Status).or(args.failed.then_some(CallOutcome::Failure)),
        limit: Some(args.limit),
        newest_first: true,
        after: None,
    })
}

fn group(by: CallsBy) -> CallGroup {
    match by {
        CallsBy::Key => CallGroup::Key,
        CallsBy::Model => CallGroup::Model,
        CallsBy::Provider => CallGroup::Provider,
        CallsBy::Route => CallGroup::Route,
        CallsBy::Day => CallGroup::Day,
        CallsBy::Status => CallGroup::Status,
    }
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
