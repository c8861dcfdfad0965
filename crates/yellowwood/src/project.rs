//! Finding and opening the project that a command works on.

use std::path::{Path, PathBuf};

use yw_arena::Asking;
use yw_config::{LoadError, Project, TaskSpec};
use yw_gateway::Gateway;
use yw_store::Store;
use yw_task::Usd;

use crate::exit;
use crate::failure::Failure;

/// The folder beside the project file that holds its state.
const STATE_DIR: &str = ".yellowwood";

/// Loads the project at `place`, or the one found upwards from the current folder.
pub(crate) fn open(place: Option<&PathBuf>) -> Result<Project, Failure> {
    let file = match place {
        Some(place) => place.clone(),
        None => {
            let here = std::env::current_dir()
                .map_err(|e| Failure::new(exit::FAILURE, "cannot tell the current folder", &e))?;
            yw_config::find(&here).map_err(|e| {
                Failure::from_error(exit::PROJECT, &e).with_hint("`yw init` writes a project; `-p DIR` names one")
            })?
        }
    };
    let project = yw_config::load(&file).map_err(|e| match e {
        // The problems are the message: each with its place and what to do.
        LoadError::Problems(problems) => Failure::message(exit::PROJECT, problems.to_string().trim_end()),
        other => Failure::from_error(exit::PROJECT, &other)
            .with_hint("`yw init` writes a project; `yw init --example tickets` a whole one"),
    })?;
    Ok(project)
}

/// The tasks of a project, or the one that was named.
pub(crate) fn tasks<'a>(project: &'a Project, name: Option<&String>) -> Result<Vec<&'a TaskSpec>, Failure> {
    match name {
        None => Ok(project.tasks.iter().collect()),
        Some(name) => Ok(vec![task(project, name)?]),
    }
}

/// The task of this name.
pub(crate) fn task<'a>(project: &'a Project, name: &str) -> Result<&'a TaskSpec, Failure> {
    project.task(name).ok_or_else(|| {
        let names: Vec<&str> = project.tasks.iter().map(|t| t.name.as_str()).collect();
        Failure::message(exit::PROJECT, format!("there is no task `{name}` in {}", project.file.display()))
            .with_hint(format!("its tasks are: {}", names.join(", ")))
    })
}

/// Opens the project's store, and makes it if it is not there.
pub(crate) async fn store(project: &Project) -> Result<Store, Failure> {
    Store::open(&project.dir.join(STATE_DIR)).await.map_err(|e| Failure::from_error(exit::FAILURE, &e))
}

/// Whether the project has a store.
pub(crate) fn has_store(project: &Project) -> bool {
    project.dir.join(STATE_DIR).is_dir()
}

/// The way to the project's providers, with keys from the environment.
pub(crate) fn connect(project: &Project, store: Option<&Store>, max_usd: Option<Usd>) -> Result<Asking, Failure> {
    yw_arena::connect(project, store, max_usd, |name| std::env::var(name).ok())
        .map_err(|e| Failure::from_error(exit::PROJECT, &e))
}

/// The same way alone, without a limit in money. Without a store, replies are not remembered.
pub(crate) fn gateway(project: &Project, store: Option<&Store>) -> Result<Gateway, Failure> {
    yw_arena::gateway(project, store, |name| std::env::var(name).ok())
        .map_err(|e| Failure::from_error(exit::PROJECT, &e))
}

/// A path as people write it: relative to the current folder where that is shorter.
pub(crate) fn display(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
