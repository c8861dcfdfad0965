//! `yw key`: the keys of the server's clients.

use std::path::PathBuf;

use jiff::Timestamp;
use yw_gateway::keys::{KeySpec, NewKey, Pattern};
use yw_gateway::limits::{LimitSpec, Measure, Window};
use yw_store::{KeyRecord, Store, StoreError};

use super::when;
use crate::cli::{KeyArgs, KeyCommand, KeyCreate, KeyList};
use crate::failure::Failure;
use crate::{exit, output, project};

pub(crate) async fn run(args: &KeyArgs) -> Result<u8, Failure> {
    match &args.command {
        KeyCommand::Create(args) => create(args).await,
        KeyCommand::List(args) => list(args).await,
        KeyCommand::Revoke { key, project } => revoke(key, project.as_ref()).await,
    }
}

async fn create(args: &KeyCreate) -> Result<u8, Failure> {
    let now = Timestamp::now();
    let spec = spec(args, now)?;
    let project = project::open(args.project.as_ref())?;
    let new = NewKey::generate().map_err(|e| Failure::from_error(exit::FAILURE, &e))?;
    let record = KeyRecord {
        id: new.id,
        name: spec.name.clone(),
        hash: *new.hash.as_bytes(),
        created: now,
        expires: spec.expires,
        revoked: None,
        spec: serde_json::to_value(&spec).map_err(|e| Failure::from_error(exit::FAILURE, &e))?,
    };
    project::store(&project).await?.key_create(&record).await.map_err(|e| match e {
        StoreError::Exists { .. } => Failure::message(exit::USAGE, format!("there is a key `{}` already", spec.name))
            .with_hint(format!("`yw key revoke {}` takes it back", spec.name)),
        e => failed(e),
    })?;
    output::line(output::new_key(&record, &spec, new.token.reveal(), args.format));
    if !project.serve.keys {
        output::note("the project file has no `keys = true` in [serve]: until then the server asks nobody for a key");
    }
    Ok(exit::OK)
}

fn spec(args: &KeyCreate, now: Timestamp) -> Result<KeySpec, Failure> {
    if args.name.trim().is_empty() || args.name.len() > 100 || args.name.chars().any(char::is_control) {
        return Err(Failure::message(exit::USAGE, "the name of a key has 1 to 100 characters, on one line"));
    }
    let mut limits = LimitSpec::default();
    let options = [
        ("budget", Measure::Dollars, &args.budget),
        ("rate", Measure::Requests, &args.rate),
        ("tokens", Measure::Tokens, &args.tokens),
    ];
    for (option, measure, words) in options {
        let Some(words) = words else { continue };
        limits.add(measure, words).map_err(|e| Failure::new(exit::USAGE, format!("--{option} {words}"), &e))?;
    }
    let expires = args.expires.as_deref().map(|text| when::future("expires", text, now)).transpose()?;
    if expires.is_some_and(|at| at <= now) {
        return Err(Failure::message(exit::USAGE, "--expires is in the past"));
    }
    Ok(KeySpec {
        name: args.name.trim().to_owned(),
        limits,
        models: patterns("models", &args.models)?,
        routes: patterns("routes", &args.routes)?,
        tasks: patterns("tasks", &args.tasks)?,
        expires,
    })
}

fn patterns(option: &str, texts: &[String]) -> Result<Option<Vec<Pattern>>, Failure> {
    if texts.is_empty() {
        return Ok(None);
    }
    let parsed: Result<Vec<Pattern>, _> = texts.iter().map(|text| text.trim().parse()).collect();
    parsed.map(Some).map_err(|e| Failure::new(exit::USAGE, format!("--{option}"), &e))
}

async fn list(args: &KeyList) -> Result<u8, Failure> {
    let Some(store) = store(args.project.as_ref()).await? else {
        output::note("there are no keys yet; `yw key create --name NAME` makes one");
        return Ok(exit::OK);
    };
    let now = Timestamp::now();
    let mut keys = store.keys().await.map_err(failed)?;
    keys.retain(|key| args.all || key.is_valid(now));
    let month = Window::Month.starts(now).unwrap_or(Timestamp::MIN);
    let spent = store.spent_since(month).await.map_err(failed)?;
    output::line(output::keys_list(&keys, &spent, now, args.format)?);
    Ok(exit::OK)
}

async fn revoke(key: &str, place: Option<&PathBuf>) -> Result<u8, Failure> {
    let unknown = || {
        Failure::message(exit::FAILURE, format!("there is no valid key `{key}`")).with_hint("`yw key list` shows them")
    };
    let store = store(place).await?.ok_or_else(unknown)?;
    let revoked = store.key_revoke(key, Timestamp::now()).await.map_err(|e| match e {
        StoreError::NotFound { .. } => unknown(),
        e => failed(e),
    })?;
    output::line(format!("{} ({}) is revoked", revoked.name, revoked.id));
    Ok(exit::OK)
}

/// The store, unless there is none: looking makes nothing.
async fn store(place: Option<&PathBuf>) -> Result<Option<Store>, Failure> {
    let project = project::open(place)?;
    if !project::has_store(&project) {
        return Ok(None);
    }
    project::store(&project).await.map(Some)
}

fn failed(error: StoreError) -> Failure {
    Failure::from_error(exit::FAILURE, &error)
}
