//! Whole files of other programs.

use std::path::PathBuf;

use super::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/moving")).join(name)
}

/// Translates a file as if nothing was set in the environment.
fn moved(source: Source, name: &str) -> Moved {
    translate(source, &fixture(name), &|_| None).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Translates a text.
fn of_text(source: Source, text: &str) -> Result<Moved, MoveError> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings");
    std::fs::write(&file, text).expect("written");
    translate(source, &file, &|name| (name == "BASE").then(|| "https://from.env.example/v1".to_owned()))
}

#[test]
fn two_deployments_and_a_fallback() {
    insta::assert_snapshot!("balanced", moved(Source::Litellm, "litellm/balanced.yaml").text);
}

#[test]
fn everything_that_litellm_has() {
    insta::assert_snapshot!("everything", moved(Source::Litellm, "litellm/everything.yaml").text);
}

#[test]
fn models_functions_and_limits_of_tensorzero() {
    insta::assert_snapshot!("tensorzero", moved(Source::Tensorzero, "tensorzero/tensorzero.toml").text);
}

#[test]
fn no_secret_is_copied_or_said() {
    let files = [
        (Source::Litellm, "litellm/balanced.yaml", ["sk-1234567890abcdef", "s3cret-password"]),
        (Source::Litellm, "litellm/everything.yaml", ["hunter2-is-secret", "sk-proj-0123456789abcdefghij"]),
        (Source::Litellm, "litellm/everything.yaml", ["sk-abcdefgh12345678", "/secrets/vertex.json"]),
    ];
    for (source, name, secrets) in files {
        let Moved { text, left, .. } = moved(source, name);
        let said = left.iter().map(Left::to_string).collect::<String>();
        for secret in secrets {
            assert!(std::fs::read_to_string(fixture(name)).is_ok_and(|source| source.contains(secret)), "{secret}");
            assert!(!text.contains(secret) && !said.contains(secret), "{name}: {secret}");
        }
    }
}

#[test]
fn tasks_are_sound_once_their_marks_are_removed() {
    let text = moved(Source::Tensorzero, "tensorzero/tensorzero.toml").text;
    let start = text.find("# As a task").expect("a task");
    let end = text.find("# Keys with").expect("what follows");
    let tasks = text[start..end].lines().filter(|line| !line.starts_with("# As a task"));
    let tasks: String = tasks.map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let folder = tempfile::tempdir().expect("a folder");
    for prompt in ["functions/extract_entities/system.minijinja", "functions/triage/user.minijinja"] {
        std::fs::create_dir_all(folder.path().join(prompt).parent().expect("a folder")).expect("made");
        std::fs::write(folder.path().join(prompt), "{{ text }}").expect("written");
    }
    let whole = format!("{}\n{tasks}", &text[..start]);
    let project = yw_config::parse(&whole, &folder.path().join("yellowwood.toml")).unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<&str> = project.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["extract_entities", "triage", "chat"]);
}

#[test]
fn addresses_may_come_from_the_environment_and_keys_may_not() {
    let text = "model_list: [{model_name: a, litellm_params: {model: m, api_base: os.environ/BASE, api_key: os.environ/BASE}}]";
    let text = of_text(Source::Litellm, text).expect("a translation").text;
    assert!(text.contains("base_url = \"https://from.env.example/v1\"\nkey = { env = \"BASE\" }"), "{text}");
    let toml = "[models.a]\nrouting = [\"p\"]\n[models.a.providers.p]\ntype = \"vllm\"\nmodel_name = \"m\"\napi_base = \"env::BASE\"\n";
    assert!(of_text(Source::Tensorzero, toml).expect("a translation").text.contains("https://from.env.example/v1"));
}

#[test]
fn settings_that_mean_nothing_here_are_all_listed() {
    let text =
        "model_list: []\nnew_settings: {a: 1, b: [2]}\nlitellm_settings: {invented: yes, cache: false, empty: {}}\n";
    let keys: Vec<String> = of_text(Source::Litellm, text)
        .expect("a translation")
        .left
        .iter()
        .map(|left| left.to_string().split(": ").nth(1).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(keys, ["new_settings", "litellm_settings.invented"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let said = |result: Result<Moved, MoveError>| {
        let error = result.expect_err("an error");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    };
    let missing = translate(Source::Litellm, &fixture("nowhere.yaml"), &|_| None);
    assert!(said(missing).contains("cannot read"), "a missing file");
    assert!(said(translate(Source::Litellm, &fixture(""), &|_| None)).contains("cannot read"), "a folder");
    assert!(said(of_text(Source::Litellm, "")).contains("no settings"));
    assert!(said(of_text(Source::Litellm, "just a text")).contains("no settings"));
    assert!(said(of_text(Source::Litellm, "a: [1")).contains("not YAML"));
    assert!(said(of_text(Source::Tensorzero, "a = ")).contains("not TOML"));
    let large = format!("# {}", "x".repeat(1 << 20));
    assert!(said(of_text(Source::Litellm, &large)).contains("more than 1048576 bytes"));
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
    assert!(said(of_text(Source::Litellm, bomb)).contains("unfolds"));
}

/// Words that settings are made of, strange ones included.
const WORDS: &[&str] = &[
    "openai/gpt-5",
    "azure/x",
    "bedrock/us-east-1/m",
    "vertex_ai/gemini-2",
    "ollama/q",
    "a b",
    "\"\"",
    "os.environ/X",
    "os.environ/",
    "task:x",
    "openai/x",
    "https://a.example",
    "http://[",
    "\"a\\\\b\\\"c\"",
    "sk-12345678",
    "ü",
    "-1",
    "0",
    "1e400",
    "30d",
    "true",
    "null",
    "\"*\"",
    "\"\\u0007\"",
    "none",
    "weight",
    "[]",
    "{}",
    "a/b/c",
    "latency-based-routing",
];

const KEYS: &[&str] = &[
    "model",
    "api_base",
    "api_key",
    "api_version",
    "rpm",
    "weight",
    "order",
    "timeout",
    "organization",
    "aws_region_name",
    "vertex_project",
    "input_cost_per_token",
    "output_cost_per_token",
    "custom_llm_provider",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// Whatever the settings are, what is written is a valid project, or the file is refused as unreadable.
    #[test]
    fn what_is_written_is_valid(
        models in proptest::collection::vec(
            (
                proptest::sample::select(WORDS),
                proptest::collection::vec((proptest::sample::select(KEYS), proptest::sample::select(WORDS)), 0..8),
            ),
            0..6,
        ),
        settings in proptest::collection::vec(proptest::sample::select(WORDS), 8),
    ) {
        let mut text = String::from("model_list:\n");
        for (name, params) in &models {
            text += &format!("- model_name: {name}\n  litellm_params:\n    model: openai/m\n");
            params.iter().for_each(|(key, value)| text += &format!("    {key}: {value}\n"));
        }
        let [a, b, c, d, e, f, g, h] = settings[..] else { unreachable!("eight of them") };
        text += &format!(
            "router_settings: {{num_retries: {a}, timeout: {b}, cooldown_time: {c}, routing_strategy: {d}}}\n\
             litellm_settings: {{max_budget: {e}, budget_duration: {f}, cache: true, cache_params: {{ttl: {g}}}}}\n\
             general_settings: {{master_key: {h}}}\n"
        );
        if let Err(error) = of_text(Source::Litellm, &text) {
            let valid = matches!(error, MoveError::Source { .. });
            proptest::prop_assert!(valid, "{error}: {:?}\n{text}", std::error::Error::source(&error).map(ToString::to_string));
        }
    }

    /// Real settings with words and lines of them changed.
    #[test]
    fn changed_settings_are_translated_or_refused(
        is_toml in proptest::bool::ANY,
        changes in proptest::collection::vec((proptest::num::usize::ANY, proptest::sample::select(WORDS), 0..3), 1..8),
    ) {
        let (source, name) = match is_toml {
            true => (Source::Tensorzero, "tensorzero/tensorzero.toml"),
            false => (Source::Litellm, "litellm/everything.yaml"),
        };
        let whole = std::fs::read_to_string(fixture(name)).expect("a fixture");
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        for (place, word, kind) in changes {
            let place = place % lines.len();
            let line = lines[place].clone();
            match (kind, line.split_once(['=', ':'])) {
                (0, _) => drop(lines.remove(place)),
                (1, Some((key, _))) if is_toml => lines[place] = format!("{key}= {word:?}"),
                (1, Some((key, _))) => lines[place] = format!("{key}: {word}"),
                _ => lines[place] = line.replacen(char::is_alphanumeric, "x", 1),
            }
        }
        let text = lines.join("\n");
        if let Err(error) = of_text(source, &text) {
            let valid = matches!(error, MoveError::Source { .. });
            proptest::prop_assert!(valid, "{error}: {:?}\n{text}", std::error::Error::source(&error).map(ToString::to_string));
        }
    }
}
