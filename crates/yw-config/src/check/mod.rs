//! The second pass: from a file of the right shape to a checked project. Finds what a grammar cannot say: whether
//! values fit each other, and whether what is named exists.

mod address;
mod ask;
mod candidate;
mod costs;
mod data;
mod file;
mod fitted;
mod model;
mod price;
mod provider;
mod route;
mod serve;
mod task;
mod trees;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use crate::FILE_NAME;
use crate::grammar::{ROOT, TASK};
use crate::problem::Problems;
use crate::project::Project;
use crate::raw::{At, Place, Report, View};
use crate::suggest::{closest, listed};

pub(crate) use provider::well_known as well_known_provider;

/// The checked project, without its text and warnings; none if something was reported.
pub(crate) fn project(
    document: &DeTable<'_>,
    unsound: &HashSet<usize>,
    file: &Path,
    report: &mut Report<'_>,
) -> Option<Project> {
    let root = View { table: document, grammar: &ROOT, place: Place::whole_file(), unsound };
    let dir = folder_of(file);
    require_something(&root, report);
    let mut providers = provider::providers(&root, &dir, report);
    let prices = price::prices(&root, report);
    let serve = serve::serve(&root, report);
    let mut tasks = Vec::new();
    for entry in root.map("task") {
        if let Some(view) = root.view(entry.value, &TASK) {
            let surroundings = task::Surroundings { dir: &dir, providers: &mut providers };
            tasks.push(task::task(entry.key, &view, surroundings, report));
        }
    }
    let routes = route::routes(&root, &mut providers, report);
    let folder_name = || dir.file_name().map_or_else(|| "project".into(), |n| n.to_string_lossy().into_owned());
    Some(Project {
        name: root.text("name").map_or_else(folder_name, |name| name.value),
        file: dir.join(file.file_name().unwrap_or(FILE_NAME.as_ref())),
        tasks: tasks.into_iter().collect::<Option<_>>()?,
        routes: routes?,
        providers: providers.into_specs()?,
        prices: prices?,
        serve: serve?,
        text: Arc::default(),
        warnings: Problems::new(PathBuf::new(), Arc::default(), Vec::new()),
        dir,
    })
}

/// Reports a file that neither asks nor serves anything. Of one with unknown keys, those were reported.
fn require_something(root: &View<'_>, report: &mut Report<'_>) {
    let says_nothing = |key: &str| matches!(key, "name" | "price");
    if root.table.keys().all(|key| says_nothing(key.get_ref())) {
        let hint = "add, for example, [task.triage]; or [route.fast] in a project that only serves models";
        report.error(&root.place, "the file has no `task`").hint(hint);
    }
}

fn folder_of(file: &Path) -> PathBuf {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    absolute.parent().map(Path::to_owned).unwrap_or_default()
}

/// The value whose name a word is. The shape pass has seen to it that there is one.
fn named<T: Copy>(word: At<String>, all: &[(&str, T)]) -> Option<T> {
    all.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value)
}

/// What to write instead of a name that stands for nothing.
fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let guess = closest(word, known.clone()).map(|k| format!("did you mean `{k}`?"));
    guess.or_else(|| Some(listed(known, "and")).filter(|l| !l.is_empty()).map(|l| format!("there are {l}")))
}
