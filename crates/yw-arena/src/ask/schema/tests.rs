//! What models send, and what becomes of it.

use yw_task::LabelSet;

use super::*;

fn schema(kind: AnswerKind, labels: &[&str]) -> AnswerSchema {
    with_fields(kind, labels, Vec::new())
}

fn with_fields(kind: AnswerKind, labels: &[&str], fields: Vec<Field>) -> AnswerSchema {
    AnswerSchema::new(AnswerSpec { name: "team".into(), kind, labels: LabelSet::sorted(labels), fields })
}

#[track_caller]
fn check(schema: &AnswerSchema, reply: &str, expect: Result<Value, &str>) {
    let found = schema.parse(reply).map(|a| a.value);
    assert_eq!(found, expect.map_err(str::to_owned), "{reply}");
}

#[test]
fn labels_are_parsed_from_what_models_send() {
    let s = schema(AnswerKind::Label, &["billing", "Sales", "ÄRGER"]);
    let billing = || Ok(Value::Label("billing".into()));
    check(&s, r#"{"team":"billing"}"#, billing());
    check(&s, " {\"team\": \" Billing \"}\n", billing());
    check(&s, "```json\n{\"team\":\"billing\"}\n```", billing());
    check(&s, "Sure! Here it is: {\"team\":\"billing\"} Anything else?", billing());
    check(&s, "billing", billing());
    check(&s, r#""billing""#, billing());
    check(&s, "Ärger", Ok(Value::Label("ÄRGER".into())));
    check(&s, r#"{"team":"legal"}"#, Err("\"team\" must be one of: Sales, billing, ÄRGER"));
    check(&s, r#"{"group":"billing"}"#, Err("the reply lacks the key \"team\""));
    check(&s, r#"{"team":"bil"#, Err("the reply is cut or broken JSON"));
    check(&s, r#"{"team":null}"#, Err("\"team\" must be a label"));
    check(&s, "", Err("the reply is empty"));
    check(&s, "```\n```", Err("the reply is empty"));
    check(&s, "}{", Err("\"team\" must be one of: Sales, billing, ÄRGER"));
}

#[test]
fn labels_may_look_like_numbers() {
    let s = schema(AnswerKind::Label, &["1", "2", "true"]);
    check(&s, r#"{"team":2}"#, Ok(Value::Label("2".into())));
    check(&s, "2", Ok(Value::Label("2".into())));
    check(&s, "true", Ok(Value::Label("true".into())));
    check(&s, "3", Err("\"team\" must be one of: 1, 2, true"));
}

#[test]
fn labels_that_differ_in_case_only_are_told_apart() {
    let s = schema(AnswerKind::Label, &["US", "us"]);
    check(&s, r#"{"team":"us"}"#, Ok(Value::Label("us".into())));
    check(&s, r#"{"team":"Us"}"#, Err("\"team\" must be one of: US, us"));
}

#[test]
fn numbers_booleans_and_texts() {
    let number = schema(AnswerKind::Number, &[]);
    check(&number, r#"{"team": 3.5}"#, Ok(Value::Number(3.5)));
    check(&number, r#"{"team": "4"}"#, Ok(Value::Number(4.0)));
    check(&number, "-2e3", Ok(Value::Number(-2000.0)));
    check(&number, r#"{"team": "inf"}"#, Err("\"team\" must be a finite number"));
    check(&number, r#"{"team": 1e999}"#, Err("the reply is cut or broken JSON"));
    check(&number, "about three", Err("\"team\" must be a finite number"));

    let boolean = schema(AnswerKind::Boolean, &[]);
    check(&boolean, r#"{"team": true}"#, Ok(Value::Boolean(true)));
    check(&boolean, "No", Ok(Value::Boolean(false)));
    check(&boolean, "perhaps", Err("\"team\" must be true or false"));
    check(&boolean, r#"{"team": 1}"#, Err("\"team\" must be a boolean"));

    let text = schema(AnswerKind::Text, &[]);
    check(&text, "free words", Ok(Value::Text("free words".into())));
    check(&text, "[1] a footnote", Ok(Value::Text("[1] a footnote".into())));
    check(&text, r#"{"team": "in\nlines"}"#, Ok(Value::Text("in\nlines".into())));
    check(&text, r#"{"team": 42}"#, Ok(Value::Text("42".into())));
    check(&text, r#"{"team": ["a"]}"#, Err("\"team\" must be a text"));
}

#[test]
fn a_bare_answer_states_no_probability() {
    assert_eq!(schema(AnswerKind::Boolean, &[]).parse("true").unwrap().scores, None);
}

#[test]
fn objects_must_have_their_fields() {
    let fields = vec![
        Field::new("street", FieldType::Text),
        Field::new("zip", FieldType::Number),
        Field::new("since", FieldType::Time),
    ];
    let s = with_fields(AnswerKind::Json, &[], fields);
    assert!(s.parse(r#"{"street":"Elm","zip":null,"since":"2026-01-31"}"#).is_ok());
    check(&s, r#"{"street":"Elm"}"#, Err("the reply lacks the key \"zip\""));
    check(&s, r#"{"street":1,"zip":2,"since":null}"#, Err("\"street\" must be a text or null"));
    check(&s, r#"{"street":"Elm","zip":2,"since":"soon"}"#, Err("\"since\" must be a time or null"));
    check(&s, "[]", Err("the reply must be a JSON object"));
    check(&s, "no idea", Err("the reply is cut or broken JSON"));
    let any = schema(AnswerKind::Json, &[]);
    check(&any, r#"{"a":{"b":[]}}"#, Ok(Value::Json(json!({"a": {"b": []}}))));
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    check(&any, &deep, Err("the reply is cut or broken JSON"));
}

#[track_caller]
fn check_schema(schema: &AnswerSchema, expect: &str) {
    assert_eq!(schema.json_schema().map_or_else(|| "none".to_owned(), |s| s.to_string()), expect);
}

#[test]
fn schemas_keep_to_the_strict_subset() {
    check_schema(
        &schema(AnswerKind::Label, &["b", "a"]),
        r#"{"type":"object","required":["team"],"additionalProperties":false,"properties":{"team":{"type":"string","enum":["a","b"]}}}"#,
    );
    check_schema(
        &with_fields(
            AnswerKind::Json,
            &[],
            vec![Field::new("street", FieldType::Text), Field::new("zip", FieldType::Number)],
        ),
        r#"{"type":"object","required":["street","zip"],"additionalProperties":false,"properties":{"street":{"type":["string","null"]},"zip":{"type":["number","null"]}}}"#,
    );
    check_schema(&schema(AnswerKind::Json, &[]), "none");
    let many: Vec<String> = (0..300).map(|i| format!("label {i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let schema = schema(AnswerKind::Label, &many);
    assert_eq!(schema.json_schema().unwrap()["properties"]["team"], json!({ "type": "string" }));
    check(
        &schema,
        "no such",
        Err(&format!(
            "\"team\" must be one of: {}",
            schema.answer.labels.iter().map(|l| &**l).collect::<Vec<_>>().join(", ")
        )),
    );
}

#[test]
fn names_that_are_no_keys_are_replaced() {
    for (name, key) in
        [("team", "team"), ("team name", "answer"), ("Équipe", "answer"), ("", "answer"), ("a.b-c_1", "a.b-c_1")]
    {
        assert_eq!(key_of(name), key);
    }
    assert_eq!(key_of(&"x".repeat(65)), "answer");
}

#[test]
fn examples_show_replies_that_parse() {
    let s = schema(AnswerKind::Label, &["a \"quoted\" one"]);
    let value = Value::Label("a \"quoted\" one".into());
    assert_eq!(s.parse(&s.reply_of(&value)).unwrap().value, value);
}
