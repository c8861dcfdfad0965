//! Providers, routes and the server: what files are read as.

use std::path::Path;
use std::time::Duration;

use yw_config::{BreakerSpec, KeySource, LimitSpec, Project, ProviderSpec, RouteBy, RouteSpec, ServeSpec, Window};
use yw_task::{Dialect, KeyScheme, Usd, WELL_KNOWN_PROVIDERS};

use crate::parse;

/// The project of a text, which must have no problem.
fn sound(text: &str) -> Project {
    let project = parse(text).unwrap_or_else(|e| panic!("{e}"));
    assert!(project.warnings.is_empty(), "{}", project.warnings);
    project
}

fn provider(name: &str, keys: &str) -> ProviderSpec {
    sound(&format!("[provider.{name}]\n{keys}\n")).providers[0].clone()
}

fn route(keys: &str) -> RouteSpec {
    sound(&format!("[route.r]\n{keys}\n")).routes[0].clone()
}

fn serve(keys: &str) -> ServeSpec {
    sound(&format!("[serve]\n{keys}\n")).serve
}

#[test]
fn a_project_may_only_serve_models() {
    assert!(sound("[serve]\nkeys = true").tasks.is_empty());
    let project = sound("[route.fast]\nmodels = [\"openai/gpt-5-mini\", \"mistral/small\"]");
    let names: Vec<&str> = project.providers.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["openai", "mistral"]);
    assert!(project.route("fast").is_some() && project.route("slow").is_none());
    assert!(parse("name = \"a\"\n[price.\"a/b\"]\ninput = 1\noutput = 1").is_err());
}

#[test]
fn well_known_providers_need_no_entry_unless_every_customer_has_another_address() {
    let without: Vec<&str> =
        WELL_KNOWN_PROVIDERS.iter().map(|p| p.name).filter(|name| ProviderSpec::well_known(name).is_none()).collect();
    assert_eq!(without, ["azure", "bedrock", "vertex"]);
    assert!(ProviderSpec::well_known("acme").is_none());
    let gemini = ProviderSpec::well_known("gemini").unwrap();
    assert_eq!((gemini.dialects.as_slice(), gemini.needs_key), (&[Dialect::Gemini][..], true));
    assert_eq!(gemini.key_scheme, KeyScheme::Header("x-goog-api-key"));
    assert_eq!(gemini.key, KeySource::Environment("GEMINI_API_KEY".into()));
    let ollama = ProviderSpec::well_known("ollama").unwrap();
    assert_eq!((ollama.base_url.as_str(), ollama.needs_key), ("http://127.0.0.1:11434/v1", false));
}

#[test]
fn dialects_come_alone_or_in_a_list() {
    let of = |keys: &str| provider("lab", &format!("base_url = \"https://lab.example/v1\"\n{keys}")).dialects;
    assert_eq!(of(""), [Dialect::OpenAi]);
    assert_eq!(of("dialect = \"gemini\""), [Dialect::Gemini]);
    assert_eq!(of("dialect = [\"responses\", \"openai\"]"), [Dialect::Responses, Dialect::OpenAi]);
    assert_eq!(provider("openai", "").dialects, [Dialect::OpenAi, Dialect::Responses]);
    assert_eq!(provider("openai", "dialect = \"openai\"").dialects, [Dialect::OpenAi]);
}

#[test]
fn keys_are_named_and_never_held() {
    let of = |keys: &str| {
        let spec = provider("my-lab", &format!("base_url = \"https://lab.example/v1\"\n{keys}"));
        (spec.key, spec.needs_key)
    };
    let variable = |name: &str| KeySource::Environment(name.into());
    assert_eq!(of(""), (variable("MY_LAB_API_KEY"), true));
    assert_eq!(of("key = false"), (variable("MY_LAB_API_KEY"), false));
    assert_eq!(of("key = { env = \"TEAM_KEY\" }"), (variable("TEAM_KEY"), true));
    assert_eq!(of("key = { file = \"/run/secrets/lab\" }"), (KeySource::File("/run/secrets/lab".into()), true));
    assert_eq!(of("key = { file = \"lab.key\" }").0, KeySource::File("/nowhere/support/lab.key".into()));
    assert_eq!(provider("bedrock", "region = \"eu-west-1\"").key, variable("AWS_BEARER_TOKEN_BEDROCK"));
}

#[test]
fn a_key_is_never_printed() {
    let secret = "sk-proj-0123456789abcdefghij";
    for keys in
        ["key = \"SECRET\"", "api_key = \"SECRET\"", "key = { env = \"SECRET\" }", "headers = { a = \"SECRET\" }"]
    {
        let text = format!("[provider.lab]\nbase_url = \"https://lab.example\"\n{}\n", keys.replace("SECRET", secret));
        let problems = parse(&text).unwrap_err();
        assert!(!problems.to_string().contains(&secret[4..]), "{problems}");
        assert!(problems.iter().all(|p| !p.message.contains(&secret[4..])), "{problems}");
    }
    let problems = parse("[provider.lab]\nbase_url = \"https://me:pa55word@lab.example\"\n").unwrap_err();
    assert!(!problems.to_string().contains("pa55word"), "{problems}");
}

#[test]
fn clouds_have_addresses_of_their_own() {
    let bedrock = provider("bedrock", "region = \"eu-central-1\"");
    assert_eq!(bedrock.base_url, "https://bedrock-runtime.eu-central-1.amazonaws.com");
    assert_eq!((bedrock.key_scheme, bedrock.needs_key), (KeyScheme::SigV4, false));
    assert_eq!(bedrock.region.as_deref(), Some("eu-central-1"));

    let vertex = |keys: &str| provider("vertex", &format!("project = \"acme\"\n{keys}")).base_url;
    let tail = "publishers/google";
    assert_eq!(vertex(""), format!("https://aiplatform.googleapis.com/v1/projects/acme/locations/global/{tail}"));
    assert_eq!(
        vertex("location = \"europe-west4\""),
        format!("https://europe-west4-aiplatform.googleapis.com/v1/projects/acme/locations/europe-west4/{tail}")
    );

    let azure = |base: &str, keys: &str| {
        let spec = provider("eu", &format!("like = \"azure\"\nbase_url = \"{base}\"\n{keys}"));
        assert_eq!((spec.like.as_str(), spec.key_scheme), ("azure", KeyScheme::Header("api-key")));
        (spec.base_url, spec.api_version.unwrap_or_default())
    };
    let root = "https://acme.openai.azure.com";
    for written in ["", "/", "/openai", "/openai/v1", "/openai/v1/"] {
        assert_eq!(azure(&format!("{root}{written}"), "").0, format!("{root}/openai/v1"), "{written}");
    }
    let old = azure(&format!("{root}/openai/"), "api_version = \"2024-10-21\"");
    assert_eq!(old, (root.to_owned(), "2024-10-21".to_owned()));
    assert_eq!(azure("https://proxy.example/azure/eu", "").0, "https://proxy.example/azure/eu");
}

#[test]
fn a_provider_may_be_another_account_of_a_well_known_one() {
    let second = provider("openai-b", "like = \"openai\"\nkey = { env = \"B_KEY\" }\nheaders = { X-Team = \"b c\" }");
    assert_eq!(second.base_url, "https://api.openai.com/v1");
    assert_eq!((second.name.as_str(), second.like.as_str()), ("openai-b", "openai"));
    assert_eq!(second.headers, [("x-team".to_owned(), "b c".to_owned())]);
    assert_eq!(provider("openai-c", "like = \"openai\"").key, KeySource::Environment("OPENAI_C_API_KEY".into()));
}

#[test]
fn routes_have_documented_defaults() {
    let plain = route("models = [\"openai/gpt-5\"]");
    assert_eq!((plain.by, plain.retries, plain.targets[0].weight), (RouteBy::Order, 2, 1.0));
    assert_eq!((plain.attempt_timeout, plain.first_token_timeout, plain.timeout), (None, None, None));
    assert_eq!((plain.hedge_after, plain.sticky, plain.cache), (None, None, None));
    assert_eq!(plain.breaker, Some(BreakerSpec { failures: 5, cooldown: Duration::from_secs(5) }));
}

#[test]
fn routes_keep_what_they_say() {
    let keys = r#"
        models = [{ model = "openai/gpt-5", weight = 2.5 }, "groq/x", { model = "mistral/y", weight = 0 }]
        by = "weight"
        retries = 0
        attempt_timeout_ms = 1_000
        first_token_timeout_ms = 500
        timeout_ms = 2_000
        hedge_after_ms = 300
        sticky = "X-Session"
        cache_minutes = 0.5
        breaker = { failures = 1 }
    "#;
    let spec = route(keys);
    let weights: Vec<f64> = spec.targets.iter().map(|t| t.weight).collect();
    assert_eq!((spec.by, spec.retries, weights.as_slice()), (RouteBy::Weight, 0, &[2.5, 1.0, 0.0][..]));
    let ms = |ms| Some(Duration::from_millis(ms));
    assert_eq!((spec.attempt_timeout, spec.first_token_timeout, spec.timeout), (ms(1000), ms(500), ms(2000)));
    assert_eq!((spec.hedge_after, spec.sticky.as_deref(), spec.cache), (ms(300), Some("x-session"), ms(30_000)));
    assert_eq!(spec.breaker, Some(BreakerSpec { failures: 1, cooldown: Duration::from_secs(5) }));
    assert_eq!(route("models = [\"openai/x\"]\nbreaker = false").breaker, None);
    assert_eq!(route("models = [\"openai/x\", \"openai/y\"]\nby = \"latency\"").by, RouteBy::Latency);
}

#[test]
fn routes_may_have_the_names_of_models() {
    for name in ["claude-sonnet-4-5", "gpt-4.1", "team/fast", "GPT 5", "text:large"] {
        let project = sound(&format!("[route.\"{name}\"]\nmodels = [\"openai/gpt-5\"]\n"));
        assert_eq!(project.routes[0].name, name);
    }
    let own = "[provider.team]\nbase_url = \"https://t.example\"\n[route.\"team/fast\"]\nmodels = [\"team/x\"]\n";
    assert!(parse(own).is_err(), "a provider of that name makes it a model");
}

#[test]
fn the_server_has_documented_defaults() {
    let spec = serve("");
    assert_eq!((spec.keys, spec.default_output_tokens, spec.otlp.as_deref()), (false, 4096, None));
    assert_eq!((spec.calls.keep, spec.calls.max_bytes), (Duration::from_secs(90 * 86_400), 1 << 30));
    assert_eq!((spec.calls.content, spec.cache_max_bytes), (false, 256 << 20));
    assert_eq!(spec.limits, yw_config::LimitsSpec::default());
}

#[test]
fn the_server_keeps_what_it_is_told() {
    let spec = serve(
        r#"
        address = "[::]:80"
        keys = true
        limits = { dollars = ["0.50/hour", "100 total"], requests = "6_000/min", tokens = "1000000/month" }
        calls = { keep_days = 7, content = true }
        cache = { max_mb = 1 }
        default_output_tokens = 100
        otlp = "http://collector:4318/"
        "#,
    );
    assert_eq!((spec.address.to_string().as_str(), spec.keys), ("[::]:80", true));
    let half = LimitSpec { amount: Usd::from_dollars(0.5), window: Window::Hour };
    let hundred = LimitSpec { amount: Usd::from_dollars(100.0), window: Window::Total };
    assert_eq!(spec.limits.dollars, [half, hundred]);
    assert_eq!(spec.limits.requests, [LimitSpec { amount: 6000, window: Window::Minute }]);
    assert_eq!(spec.limits.tokens, [LimitSpec { amount: 1_000_000, window: Window::Month }]);
    assert_eq!(
        (spec.calls.keep, spec.calls.max_bytes, spec.calls.content),
        (Duration::from_secs(604_800), 1 << 30, true)
    );
    assert_eq!((spec.cache_max_bytes, spec.default_output_tokens), (1 << 20, 100));
    assert_eq!(spec.otlp.as_deref(), Some("http://collector:4318"));
}

#[test]
fn paths_of_keys_are_relative_to_the_project() {
    let text = "[provider.lab]\nbase_url = \"https://lab.example\"\nkey = { file = \"keys/lab\" }\n";
    let project = yw_config::parse(text, Path::new("/srv/p/yellowwood.toml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(project.providers[0].key, KeySource::File("/srv/p/keys/lab".into()));
}
