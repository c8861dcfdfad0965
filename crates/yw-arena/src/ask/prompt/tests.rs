//! What models are sent, word for word.

use serde_json::json;
use yw_llm::{Part, Role};
use yw_task::{AnswerKind, AnswerSpec, Field, FieldType, LabelSet};

use super::*;

fn schema(kind: AnswerKind) -> AnswerSchema {
    let labels =
        if kind == AnswerKind::Label { LabelSet::sorted(["billing", "technical"]) } else { LabelSet::default() };
    let fields = match kind {
        AnswerKind::Json => vec![Field::new("street", FieldType::Text), Field::new("zip", FieldType::Number)],
        _ => Vec::new(),
    };
    AnswerSchema::new(AnswerSpec { name: "team".into(), kind, labels, fields })
}

fn row(json: Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn ticket() -> Map<String, Json> {
    row(
        json!({ "subject": "Charged <twice>", "body": "two\nlines", "plan": null, "seats": 3, "share": 0.5, "trial": false }),
    )
}

fn examples() -> Vec<Example> {
    let example = |subject: &str, team: &str| Example {
        input: row(
            json!({ "subject": subject, "body": "…", "plan": "pro", "seats": null, "share": null, "trial": null }),
        ),
        reply: json!({ "team": team }).to_string(),
    };
    vec![example("Error 500", "technical"), example("Invoice", "billing")]
}

/// The conversation as one text.
fn rendered(
    system: Option<&str>,
    prompt: Option<&str>,
    kind: AnswerKind,
    row: Map<String, Json>,
    examples: Vec<Example>,
) -> Result<String, String> {
    let template =
        PromptTemplate::new(system.map(str::to_owned), prompt.map(str::to_owned)).map_err(|e| e.to_string())?;
    let schema = schema(kind);
    let input = PromptInput { question: "Which team?", schema: &schema, row, examples };
    let Prompt { system, messages } = template.render(&input).map_err(|e| e.to_string())?;
    let turn = |message: &Message| match (message.role, message.content.as_slice()) {
        (Role::User, [Part::Text(text)]) => format!("[user]\n{text}\n"),
        (Role::Assistant, [Part::Text(text)]) => format!("[assistant]\n{text}\n"),
        (_, other) => panic!("{other:?}"),
    };
    Ok(format!("[system]\n{system}\n{}", messages.iter().map(turn).collect::<String>()))
}

#[test]
fn the_default_prompt_of_a_label_with_examples() {
    insta::assert_snapshot!(rendered(None, None, AnswerKind::Label, ticket(), examples()).unwrap(), @r#"
    [system]
    Which team?

    Answer with exactly one of these labels:
    - billing
    - technical

    Reply with a JSON object and nothing else: {"team": "<label>"}
    [user]
    subject: Error 500
    body: …
    plan: pro
    seats: (unknown)
    share: (unknown)
    trial: (unknown)
    [assistant]
    {"team":"technical"}
    [user]
    subject: Invoice
    body: …
    plan: pro
    seats: (unknown)
    share: (unknown)
    trial: (unknown)
    [assistant]
    {"team":"billing"}
    [user]
    subject: Charged <twice>
    body: two
    lines
    plan: (unknown)
    seats: 3
    share: 0.5
    trial: false
    "#);
}

#[test]
fn the_default_prompts_of_the_other_kinds() {
    let system = |kind| {
        let all = rendered(None, None, kind, ticket(), Vec::new()).unwrap();
        all.split("[user]").next().unwrap().to_owned()
    };
    let kinds = [AnswerKind::Boolean, AnswerKind::Number, AnswerKind::Text, AnswerKind::Json];
    insta::assert_snapshot!(kinds.map(system).join("\n"), @r#"
    [system]
    Which team?

    Reply with a JSON object and nothing else: {"team": true} or {"team": false}

    [system]
    Which team?

    Reply with a JSON object and nothing else: {"team": <number>}

    [system]
    Which team?

    Reply with a JSON object and nothing else: {"team": "<text>"}

    [system]
    Which team?

    Reply with a JSON object and nothing else, with the keys street, zip; null for what is not known.
    "#);
}

#[test]
fn the_default_prompt_of_an_object_of_any_form() {
    let schema = AnswerSchema::new(AnswerSpec {
        name: "facts".into(),
        kind: AnswerKind::Json,
        labels: LabelSet::default(),
        fields: Vec::new(),
    });
    let input = PromptInput { question: "What is said?", schema: &schema, row: ticket(), examples: Vec::new() };
    let prompt = PromptTemplate::new(None, None).unwrap().render(&input).unwrap();
    assert_eq!(prompt.system, "What is said?\n\nReply with a JSON object and nothing else.");
}

#[test]
fn a_template_of_the_users_may_inline_the_examples() {
    let prompt = "{% for e in examples %}\n{{ e.input.subject }} -> {{ e.reply }}\n{% endfor %}\n{{ subject }} ({{ labels | join('/') }}) ->";
    insta::assert_snapshot!(rendered(Some("Be brief."), Some(prompt), AnswerKind::Label, ticket(), examples()).unwrap(), @r#"
    [system]
    Be brief.
    [user]
    Error 500 -> {"team":"technical"}
    Invoice -> {"team":"billing"}
    Charged <twice> (billing/technical) ->
    "#);
}

#[test]
fn fields_may_be_called_like_words_of_the_vocabulary() {
    let row =
        row(json!({ "question": "Where is it?", "labels": "red", "input": "x", "answer": 1, "kind": "y", "keys": 2 }));
    insta::assert_snapshot!(rendered(None, None, AnswerKind::Label, row.clone(), Vec::new()).unwrap(), @r#"
    [system]
    Which team?

    Answer with exactly one of these labels:
    - billing
    - technical

    Reply with a JSON object and nothing else: {"team": "<label>"}
    [user]
    question: Where is it?
    labels: red
    input: x
    answer: 1
    kind: y
    keys: 2
    "#);
    let own = rendered(
        Some("{{ question }}"),
        Some("{{ labels }} {{ answer }} {{ input }}"),
        AnswerKind::Label,
        row,
        Vec::new(),
    );
    assert_eq!(own.unwrap(), "[system]\nWhere is it?\n[user]\nred 1 x\n");
}

#[test]
fn an_unknown_name_is_an_error_with_its_line() {
    let unknown = rendered(None, Some("{{ subject }}\n{{ boddy }}"), AnswerKind::Label, ticket(), Vec::new());
    insta::assert_snapshot!(unknown.unwrap_err(), @r#"the prompt template cannot be rendered: undefined value: `boddy` is undefined (in prompt:2)"#);
    let broken = rendered(None, Some("{{ subject"), AnswerKind::Label, ticket(), Vec::new());
    insta::assert_snapshot!(broken.unwrap_err(), @r#"the prompt template is not valid: syntax error: unexpected end of input, expected end of variable block (in prompt:1)"#);
}

#[test]
fn a_missing_value_is_none() {
    let prompt = "{% if plan is none %}no plan{% else %}{{ plan }}{% endif %}";
    let text = rendered(Some("s"), Some(prompt), AnswerKind::Label, ticket(), Vec::new()).unwrap();
    assert_eq!(text, "[system]\ns\n[user]\nno plan\n");
}
