//! LiteLLM's proxy: `config.yaml`.
//!
//! Models of one name become a route, spread as its router spreads them; fallbacks join the routes that they are for;
//! accounts become providers. What is not understood is listed, never guessed.

mod models;
mod params;
mod reasons;
mod router;
mod settings;

use super::draft::Draft;
use super::left::Left;
use super::tree::Node;

/// What a translation needs at every step.
struct Context<'a> {
    file: &'a str,
    environment: &'a dyn Fn(&str) -> Option<String>,
    draft: Draft,
}

impl Context<'_> {
    fn leave(&mut self, node: &Node, why: impl Into<String>) {
        self.draft.leave(self.file, node, why);
    }

    /// A text that may stand in the environment; none if it is not set there, which is noted.
    fn resolved(&mut self, node: &Node) -> Option<String> {
        let text = node.as_text()?.trim().to_owned();
        let Some(variable) = variable_of(&text) else { return Some(text) };
        let value = (self.environment)(variable).filter(|value| !value.trim().is_empty());
        let why = match &value {
            Some(_) => {
                format!("taken from {variable} as it is now; the project file takes nothing from the environment")
            }
            None => format!("{variable} is not set; write its value where the file has a placeholder"),
        };
        self.leave(node, why);
        value.map(|value| value.trim().to_owned())
    }
}

/// The variable that a text refers to: `os.environ/NAME`.
fn variable_of(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("os.environ/")?.trim();
    let sound = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    sound.then_some(name)
}

pub(super) fn translate(root: &Node, file: &str, environment: &dyn Fn(&str) -> Option<String>) -> Draft {
    let draft = Draft { program: "LiteLLM", ..Draft::default() };
    let mut context = Context { file, environment, draft };
    let groups = models::groups(root, &mut context);
    router::routes(root, groups, &mut context);
    settings::serve(root, &mut context);
    let mut draft = context.draft;
    let unread = root.unread().into_iter().map(|node| Left::new(file, node, reasons::reason(&node.path)));
    draft.left.extend(unread.collect::<Vec<_>>());
    draft.left.sort_by_key(Left::line);
    draft
}
