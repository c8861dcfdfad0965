//! `yw check`: the project file and its data, without fitting or asking anything.

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
        if let Some(variable) = asking.gateway.key_missing(&ask.model.provider) {
            obstacles.push(format!("`{}` would be skipped: set {variable} to ask {}", candidate.name, ask.model));
        }
    }
    Ok(obstacles)
}
