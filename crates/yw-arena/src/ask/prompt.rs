//! Prompts: a MiniJinja template over the row, or a sound default.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde_json::{Map, Value as Json};
use yw_llm::Message;

use super::AnswerSchema;
use super::examples::Example;

/// The parts of a prompt, which are the names of their templates too.
const SYSTEM: &str = "system";
const PROMPT: &str = "prompt";

const DEFAULT_SYSTEM: &str = include_str!("default_system.md");
const DEFAULT_PROMPT: &str = include_str!("default_prompt.md");

/// The system and user part of a prompt.
///
/// Templates see `input` (the row as a map), `question`, `answer` (the key of the reply), `kind`, `labels`, `keys` (of a
/// JSON answer) and `examples` (a list of `{input, reply}`). The user's own templates also see every field by its name,
/// which wins where it is one of these words. A missing value is `none`; a name that does not exist is an error, not an
/// empty string. Where neither template uses `examples`, they become earlier turns of the conversation.
pub(crate) struct PromptTemplate {
    environment: Environment<'static>,
    inlines_examples: bool,
    /// The sources as the user gave them; none is the default.
    pub(crate) system: Option<String>,
    pub(crate) prompt: Option<String>,
}

/// A template that cannot be read or rendered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// The template's syntax is wrong.
    #[error("the {part} template is not valid: {detail}")]
    Syntax { part: &'static str, detail: String },
    /// The template uses something that the row does not have.
    #[error("the {part} template cannot be rendered: {detail}")]
    Render { part: &'static str, detail: String },
}

/// What a prompt is rendered from.
pub(crate) struct PromptInput<'a> {
    pub(crate) question: &'a str,
    pub(crate) schema: &'a AnswerSchema,
    pub(crate) row: Map<String, Json>,
    pub(crate) examples: Vec<Example>,
}

/// A rendered prompt.
pub(crate) struct Prompt {
    pub(crate) system: String,
    pub(crate) messages: Vec<Message>,
}

impl PromptTemplate {
    /// Compiles the templates; none stands for the default.
    pub(crate) fn new(system: Option<String>, prompt: Option<String>) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Lines that hold a tag alone leave no trace.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        // Prompts are not HTML.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        let mut inlines_examples = false;
        for (part, given, default) in [(SYSTEM, &system, DEFAULT_SYSTEM), (PROMPT, &prompt, DEFAULT_PROMPT)] {
            let source = given.clone().unwrap_or_else(|| default.to_owned());
            let invalid = |e: minijinja::Error| PromptError::Syntax { part, detail: e.to_string() };
            environment.add_template_owned(part, source).map_err(invalid)?;
            let template = environment.get_template(part).map_err(invalid)?;
            inlines_examples |= template.undeclared_variables(false).contains("examples");
        }
        Ok(PromptTemplate { environment, inlines_examples, system, prompt })
    }

    /// The conversation up to the row's turn.
    pub(crate) fn render(&self, input: &PromptInput<'_>) -> Result<Prompt, PromptError> {
        let shown: Vec<Value> = input
            .examples
            .iter()
            .map(|e| context! { input => Value::from(Serde(&e.input)), reply => e.reply.as_str() })
            .collect();
        let vocabulary = vocabulary(input, shown.into());
        let render = |part, row: &Map<String, Json>| self.render_part(part, &vocabulary, row);
        let mut messages = Vec::new();
        if !self.inlines_examples {
            for example in &input.examples {
                messages.push(Message::user(render(PROMPT, &example.input)?));
                messages.push(Message::assistant(example.reply.as_str()));
            }
        }
        messages.push(Message::user(render(PROMPT, &input.row)?));
        Ok(Prompt { system: render(SYSTEM, &input.row)?, messages })
    }

    fn render_part(
        &self,
        part: &'static str,
        vocabulary: &Value,
        row: &Map<String, Json>,
    ) -> Result<String, PromptError> {
        let row = Value::from(Serde(row));
        let with_input = context! { input => row.clone(), ..vocabulary.clone() };
        let is_default = if part == SYSTEM { self.system.is_none() } else { self.prompt.is_none() };
        // In `context!` the leftmost wins. The defaults must not meet a field called `question` in place of the question.
        let context = if is_default {
            with_input
        } else {
            context! { ..row, ..with_input }
        };
        let rendered = self.environment.get_template(part).and_then(|template| template.render(context));
        let text = rendered.map_err(|e| PromptError::Render { part, detail: e.to_string() })?;
        Ok(text.trim().to_owned())
    }
}

/// Everything that templates see but the row.
fn vocabulary(input: &PromptInput<'_>, examples: Value) -> Value {
    let answer = input.schema.answer();
    context! {
        question => input.question,
        answer => input.schema.key(),
        kind => answer.kind.name(),
        labels => answer.labels.iter().map(|l| l.to_string()).collect::<Vec<_>>(),
        keys => answer.fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>(),
        examples => examples,
    }
}

#[cfg(test)]
mod tests;
