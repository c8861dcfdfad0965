//! `yw check`: the project file and its data, without fitting or asking anything.

use std::collections::BTreeSet;
use std::path::Path;

use yw_config::{Project, TaskSpec, TestSpec};
use yw_table::{Profile, Table, TableError};

use crate::cli::{CheckArgs, Format};
use crate::failure::Failure;
use crate::{exit, output, project};

/// What was found in the data of one task.
pub(crate) struct Checked<'a> {
    pub(crate) task: &'a TaskSpec,
    pub(crate) train: Table,
    pub(crate) test: Option<Table>,
    pub(crate) profile: Profile,
}

pub(crate) async fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let project = project::open(args.project.place())?;
    if !project.warnings.is_empty() {
        output::note(project.warnings.to_string().trim_end());
    }
    let tasks = project::tasks(&project, args.project.task.as_ref())?;
    let mut code = exit::OK;
    if args.project.task.is_none() {
        check_routes(&project, args.format)?;
    }
    for task in tasks {
        match check(task, &project.dir).await {
            Ok(checked) => match args.format {
                Format::Table => output::line(output::check_table(&checked, &obstacles(&project, task)?)),
                Format::Json => output::line(output::check_json(&checked)),
            },
            // One task's data does not keep the others from being checked.
            Err(error) => {
                let what = format!("cannot read the data of task `{}`", task.name);
                output::error(&Failure::new(exit::DATA, what, &error));
                code = exit::DATA;
            }
        }
    }
    Ok(code)
}

async fn check<'a>(task: &'a TaskSpec, dir: &Path) -> Result<Checked<'a>, TableError> {
    let spec = yw_arena::table_spec_of(task);
    let train = yw_table::read(&yw_arena::source_of(&task.train, dir), &spec).await?;
    let test = match &task.test {
        TestSpec::Data(data) => Some(yw_table::read(&yw_arena::source_of(data, dir), &spec).await?),
        TestSpec::Fraction { .. } | TestSpec::Folds { .. } => None,
    };
    let profile = yw_table::profile(&train, test.as_ref());
    Ok(Checked { task, train, test, profile })
}

/// What would keep candidates from running, one sentence each.
fn obstacles(project: &Project, task: &TaskSpec) -> Result<Vec<String>, Failure> {
    let asking = project::connect(project, None, None)?;
    let mut obstacles = Vec::new();
    for candidate in &task.candidates {
        let yw_config::CandidateKind::Ask(ask) = &candidate.kind else { continue };
        if asking.gateway.key_missing(&ask.model.provider).is_some() {
            let key = key_of(project, &ask.model.provider);
            obstacles.push(format!("`{}` would be skipped: set {key} to ask {}", candidate.name, ask.model));
        }
    }
    Ok(obstacles)
}

/// Says what each route does, in a line, and which keys it lacks.
fn check_routes(project: &Project, format: Format) -> Result<(), Failure> {
    if project.routes.is_empty() {
        return Ok(());
    }
    let asking = project::connect(project, None, None)?;
    for route in &project.routes {
        let lacks = |provider: &&str| asking.gateway.key_missing(provider).is_some();
        let providers: BTreeSet<&str> = route.targets.iter().map(|t| t.model.provider.as_str()).collect();
        let keys: Vec<String> = providers.into_iter().filter(lacks).map(|name| key_of(project, name)).collect();
        output::line(match format {
            Format::Table => output::route_line(route, &keys),
            Format::Json => output::route_json(route, &keys),
        });
    }
    Ok(())
}

/// Where the key of a provider is expected.
fn key_of(project: &Project, provider: &str) -> String {
    project.provider(provider).map(|spec| spec.key.to_string()).unwrap_or_default()
}
