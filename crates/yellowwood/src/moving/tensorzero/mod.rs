//! TensorZero's gateway: `tensorzero.toml`.
//!
//! Models become routes in the order of their `routing`; functions become routes over their variants, and, as comments,
//! tasks whose candidates the variants are: a task needs labelled rows, which TensorZero keeps in its database.

mod functions;
mod models;
mod reasons;
mod server;
mod task;

use std::path::Path;

use super::draft::Draft;
use super::left::Left;
use super::names::named;
use super::tree::Node;

/// What a translation needs at every step.
struct Context<'a> {
    file: &'a str,
    /// The folder of the file, where templates and schemas are.
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
    draft: Draft,
}

impl Context<'_> {
    fn leave(&mut self, node: &Node, why: impl Into<String>) {
        self.draft.leave(self.file, node, why);
    }
}

pub(super) fn translate(root: &Node, file: &str, folder: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Draft {
    let draft = Draft { program: "TensorZero", ..Draft::default() };
    let mut context = Context { file, folder, environment, draft };
    let models = models::models(root, &mut context);
    let mut routes: Vec<_> = models.iter().map(|model| model.route.clone()).collect();
    routes.extend(functions::routes(root, &models, &mut context));
    routes.retain(|route| !route.targets.is_empty());
    context.draft.routes = named(routes, &context.draft.providers.names());
    server::serve(root, &mut context);
    let mut draft = context.draft;
    let unread = root.unread().into_iter().map(|node| Left::new(file, node, reasons::reason(&node.path)));
    draft.left.extend(unread.collect::<Vec<_>>());
    draft.left.sort_by_key(Left::line);
    draft
}
