//! Files that are accepted, and what they are read as.

use std::path::Path;
use std::time::Duration;

use yw_config::{
    BooleanCosts, Calibrate, CandidateKind, CandidateSpec, ClassWeight, CostsSpec, Decide, Examples, GossSpec,
    LabelCost, LoadError, Loss, Monotone, NGrams, Project, SplitBy, TestSpec, TreesGrowth, TreesMode, TreesObjective,
    TreesSpec, TuneSpec, Weights, load, parse as parse_at,
};
use yw_task::{AnswerKind, Dialect, FieldType, Metric, Usd};

use crate::parse;

const TASK: &str = r#"
[task.t]
question = "Which?"
input = { body = "text", sent = "time" }
answer = { team = "label" }
train = "t.csv"
"#;

/// The project that consists of [`TASK`] and `more`, which must have no error.
fn with(more: &str) -> Project {
    parse(&format!("{TASK}{more}\n[task.t.candidate.words]\nfit = \"linear\"\n")).unwrap_or_else(|e| panic!("{e}"))
}

/// The kind of the candidate that `keys` describe.
fn candidate(keys: &str) -> CandidateKind {
    whole_candidate(TASK, keys).kind
}

/// The candidate of a task that `keys` describe.
fn whole_candidate(task: &str, keys: &str) -> CandidateSpec {
    let project = parse(&format!("{task}[task.t.candidate.x]\n{keys}\n[task.t.candidate.words]\nfit = \"nearest\"\n"));
    project.unwrap_or_else(|e| panic!("{e}")).tasks[0].candidates[0].clone()
}

/// [`TASK`] with another answer.
fn task_of(answer: &str) -> String {
    TASK.replace("\"label\"", answer)
}

#[test]
fn the_example_of_the_design() {
    let design = include_str!("design.toml");
    let later: Vec<String> = parse(design).unwrap_err().iter().map(|p| p.message.clone()).collect();
    assert_eq!(later, ["there is no file `prompts/triage.md`", "this version of Yellowwood has no `library` yet",]);

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    std::fs::write(folder.path().join("prompts/triage.md"), "{{ body }}").unwrap();
    let now = &design[..design.find("[library").unwrap()];
    std::fs::write(folder.path().join("yellowwood.toml"), now).unwrap();
    let project = load(folder.path()).unwrap();
    assert!(project.warnings.is_empty(), "{}", project.warnings);
    assert_eq!(&*project.text, now);

    let task = project.task("triage").unwrap();
    let fields: Vec<_> = task.fields.iter().map(|f| (f.name.as_str(), f.field_type)).collect();
    assert_eq!(
        fields,
        [
            ("subject", FieldType::Text),
            ("body", FieldType::Text),
            ("plan", FieldType::Category),
            ("seats", FieldType::Number)
        ]
    );
    assert_eq!((task.answer.name.as_str(), task.answer.kind), ("team", AnswerKind::Label));
    assert_eq!((task.metric, task.seed), (Metric::MacroF1, 0));
    assert_eq!(task.limits.p95, Some(Duration::from_millis(300)));
    assert_eq!((task.limits.usd_per_1000, task.limits.min_score), (Some(1.0), Some(0.8)));
    let names: Vec<_> = task.candidates.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["words", "boosted", "prompted", "cascade"]);
    let boosted = TreesSpec { learning_rate: Some(0.05), ..TreesSpec::default() };
    assert_eq!(task.candidates[1].kind, CandidateKind::Trees(boosted));
    let CandidateKind::Ask(ask) = &task.candidates[2].kind else { panic!("{:?}", task.candidates[2]) };
    assert_eq!(ask.model.to_string(), "anthropic/claude-haiku-4-5");
    assert_eq!(ask.examples, Examples::Nearest(8));
    assert_eq!(ask.prompt.as_deref(), Some(&*folder.path().join("prompts/triage.md")));

    let providers: Vec<_> = project.providers.iter().map(|p| (p.name.as_str(), p.dialect(), p.needs_key)).collect();
    assert_eq!(providers, [("local", Dialect::OpenAi, false), ("anthropic", Dialect::Anthropic, true)]);
}

#[test]
fn the_template_and_the_example_of_the_reference() {
    for name in ["support", "a \"b\" \\ 'c' \u{1} ü"] {
        let project = parse(&yw_config::template(name)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(project.name, name);
        assert!(project.warnings.is_empty(), "{}", project.warnings);
    }
    // What the template has commented out is valid too.
    let full: String = yw_config::template("x")
        .lines()
        .map(|l| {
            l.strip_prefix("# ").filter(|l| l.starts_with('[') || l.contains(" = ")).unwrap_or(l).to_owned() + "\n"
        })
        .collect();
    assert_eq!(parse(&full).unwrap_or_else(|e| panic!("{e}")).tasks[0].candidates.len(), 5);

    let project = parse(include_str!("../../src/reference/example.toml")).unwrap_or_else(|e| panic!("{e}"));
    assert!(project.warnings.is_empty(), "{}", project.warnings);
}

#[test]
fn a_minimal_project_has_documented_defaults() {
    let project = with("");
    let task = &project.tasks[0];
    assert_eq!(project.name, "support");
    assert_eq!(project.dir, Path::new("/nowhere/support"));
    assert_eq!(project.serve.address.to_string(), "127.0.0.1:7878");
    assert_eq!((project.serve.max_body_bytes, project.serve.timeout), (10_000_000, Duration::from_secs(120)));
    assert_eq!(task.test, TestSpec::Fraction { fraction: 0.2, by: SplitBy::Random });
    assert_eq!(task.metric, Metric::MacroF1);
    let grouped = with("group = \"customer\"");
    let by = SplitBy::Group("customer".into());
    assert_eq!(grouped.tasks[0].test, TestSpec::Fraction { fraction: 0.2, by });
}

#[test]
fn data_comes_in_three_forms() {
    let spec = |value: &str| with(&format!("test = {value}")).tasks[0].test.clone();
    let TestSpec::Data(one) = spec("\"a.csv\"") else { panic!() };
    assert_eq!((one.addresses, one.delimiter), (vec!["a.csv".to_owned()], None));
    let TestSpec::Data(list) = spec("[\"a.csv\", \"s3://b/*.parquet\"]") else { panic!() };
    assert_eq!(list.addresses, ["a.csv", "s3://b/*.parquet"]);
    let TestSpec::Data(table) = spec("{ path = \"a.csv\", delimiter = \"\\t\" }") else { panic!() };
    assert_eq!((table.addresses, table.delimiter), (vec!["a.csv".to_owned()], Some('\t')));
    assert_eq!(
        spec("{ folds = 5, by = \"group: customer\" }"),
        TestSpec::Folds { folds: 5, by: SplitBy::Group("customer".into()) }
    );
    assert_eq!(
        spec("{ fraction = 0.5, by = \"time:sent\" }"),
        TestSpec::Fraction { fraction: 0.5, by: SplitBy::Time("sent".into()) }
    );
}

#[test]
fn candidates_keep_what_they_say_and_leave_the_rest_to_the_engine() {
    let keys = "fit = \"linear\"\nloss = \"squared_hinge\"\nl2 = 1\nwords = [1, 2]\ncharacters = false\nmin_rows = 2";
    let CandidateKind::Linear(linear) = candidate(keys) else { panic!() };
    assert_eq!((linear.loss, linear.l2, linear.class_weight), (Some(Loss::SquaredHinge), Some(1.0), None));
    assert_eq!(linear.text.words, Some(NGrams::Lengths { min: 1, max: 2 }));
    assert_eq!((linear.text.characters, linear.text.lowercase), (Some(NGrams::Off), None));
    assert_eq!(linear.text.min_rows, Some(2));

    let CandidateKind::Nearest(nearest) = candidate("fit = \"nearest\"") else { panic!() };
    assert_eq!((nearest.neighbors, nearest.weights), (10, Weights::Distance));

    let keys = "ask = \"openrouter/meta/llama\"\nexamples = { random = 3 }\ntimeout_ms = 1_500";
    let CandidateKind::Ask(ask) = candidate(keys) else { panic!() };
    assert_eq!((ask.model.provider.as_str(), ask.model.model.as_str()), ("openrouter", "meta/llama"));
    assert_eq!((ask.examples, ask.timeout), (Examples::Random(3), Some(Duration::from_millis(1500))));

    let CandidateKind::Cascade(cascade) = candidate("first = \"words\"\nthen = \"baseline\"\nthreshold = 1") else {
        panic!()
    };
    assert_eq!((cascade.then.as_str(), cascade.threshold), ("baseline", Some(1.0)));
}

#[test]
fn trees_keep_what_they_say_and_leave_the_rest_to_the_engine() {
    assert_eq!(candidate("fit = \"trees\""), CandidateKind::Trees(TreesSpec::default()));
    let keys = r#"
        fit = "trees"
        mode = "boosting"
        trees = 300
        learning_rate = 0.1
        max_leaves = 0
        max_depth = 8
        growth = "depth"
        max_bins = 65_535
        min_rows_per_leaf = 5
        min_child_weight = 1
        min_split_gain = 0.5
        l1 = 0
        l2 = 2.5
        column_fraction = 0.9
        column_fraction_per_split = 1
        goss = { top_fraction = 0.25, other_fraction = 0.125 }
        quantized = false
        class_weight = "balanced"
        monotone = { sent = "decreasing" }
        interactions = [["body", "sent"], ["sent"]]
        additive = false
        early_stopping_rounds = 50
        max_text_features = 200
    "#;
    let expect = TreesSpec {
        mode: Some(TreesMode::Boosting),
        trees: Some(300),
        learning_rate: Some(0.1),
        max_leaves: Some(0),
        max_depth: Some(8),
        growth: Some(TreesGrowth::Depth),
        max_bins: Some(65_535),
        min_rows_per_leaf: Some(5),
        min_child_weight: Some(1.0),
        min_split_gain: Some(0.5),
        l1: Some(0.0),
        l2: Some(2.5),
        row_fraction: None,
        column_fraction: Some(0.9),
        column_fraction_per_split: Some(1.0),
        goss: Some(GossSpec { top_fraction: 0.25, other_fraction: 0.125 }),
        quantized: Some(false),
        class_weight: Some(ClassWeight::Balanced),
        objective: None,
        monotone: vec![("sent".into(), Monotone::Decreasing)],
        interactions: vec![vec!["body".into(), "sent".into()], vec!["sent".into()]],
        additive: Some(false),
        early_stopping_rounds: Some(50),
        max_text_features: Some(200),
    };
    assert_eq!(candidate(keys), CandidateKind::Trees(expect));
    let keys = "fit = \"trees\"\nmode = \"extra_trees\"\nrow_fraction = 0.5";
    let expect = TreesSpec { mode: Some(TreesMode::ExtraTrees), row_fraction: Some(0.5), ..TreesSpec::default() };
    assert_eq!(candidate(keys), CandidateKind::Trees(expect));
}

#[test]
fn objectives_come_with_their_parameter() {
    #[track_caller]
    fn check(keys: &str, expect: TreesObjective) {
        let spec = whole_candidate(&task_of("\"number\""), &format!("fit = \"trees\"\nobjective = {keys}"));
        assert_eq!(spec.kind, CandidateKind::Trees(TreesSpec { objective: Some(expect), ..TreesSpec::default() }));
    }
    check("\"squared\"", TreesObjective::Squared);
    check("\"absolute\"", TreesObjective::Absolute);
    check("\"quantile\"", TreesObjective::Quantile { alpha: 0.5 });
    check("\"quantile\"\nalpha = 0.9", TreesObjective::Quantile { alpha: 0.9 });
    check("\"huber\"", TreesObjective::Huber { delta: 1.0 });
    check("\"huber\"\ndelta = 20", TreesObjective::Huber { delta: 20.0 });
    check("\"poisson\"", TreesObjective::Poisson);
    check("\"gamma\"", TreesObjective::Gamma);
    check("\"tweedie\"", TreesObjective::Tweedie { power: 1.5 });
    check("\"tweedie\"\npower = 1.1", TreesObjective::Tweedie { power: 1.1 });
}

#[test]
fn models_are_loaded_from_files_beside_the_project() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    let model = folder.path().join("models/churn.ubj");
    std::fs::write(&model, "{}").unwrap();
    let text = format!("{TASK}[task.t.candidate.x]\nfit = {{ load = \"models/churn.ubj\" }}\n");
    let file = folder.path().join("yellowwood.toml");
    let project = parse_at(&text, &file).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(project.tasks[0].candidates[0].kind, CandidateKind::Load(model));

    // An error says where it looked.
    let said = |name: &str| parse_at(&text.replace("churn.ubj", name), &file).unwrap_err().to_string();
    let models = folder.path().join("models").display().to_string();
    assert!(said("churm.ubj").contains(&format!("did you mean `churn.ubj` in {models}?")), "{}", said("churm.ubj"));
    assert!(said("trees.txt").contains(&format!("there is no {models}/trees.txt")), "{}", said("trees.txt"));
}

#[test]
fn fitted_candidates_may_be_tuned() {
    let tune = |keys: &str| whole_candidate(TASK, keys).tune;
    assert_eq!(tune("fit = \"auto\""), Some(TuneSpec { minutes: Some(5.0), trials: None }));
    for kind in ["linear", "nearest", "trees"] {
        assert_eq!(tune(&format!("fit = \"{kind}\"")), None);
    }
    for kind in ["linear", "nearest", "trees", "auto"] {
        let with = |value: &str| tune(&format!("fit = \"{kind}\"\ntune = {value}"));
        assert_eq!(with("{ minutes = 0.5 }"), Some(TuneSpec { minutes: Some(0.5), trials: None }));
        assert_eq!(with("{ trials = 50 }"), Some(TuneSpec { minutes: None, trials: Some(50) }));
        assert_eq!(with("{ minutes = 5, trials = 1 }"), Some(TuneSpec { minutes: Some(5.0), trials: Some(1) }));
    }
    let CandidateKind::Auto(auto) = candidate("fit = \"auto\"\nmin_rows = 3") else { panic!() };
    assert_eq!(auto.text.min_rows, Some(3));
}

#[test]
fn fitted_candidates_may_say_how_they_decide() {
    for kind in ["linear", "nearest", "trees", "auto"] {
        let with = |keys: &str| whole_candidate(&task_of("\"boolean\""), &format!("fit = \"{kind}\"\n{keys}"));
        assert_eq!((with("").calibrate, with("").decide), (None, None));
        let calibrate = |value: &str| with(&format!("calibrate = {value}")).calibrate.unwrap();
        assert_eq!(calibrate("true"), Calibrate::Best);
        assert_eq!(calibrate("false"), Calibrate::Off);
        assert_eq!(calibrate("\"isotonic\""), Calibrate::Isotonic);
        assert_eq!(calibrate("\"platt\""), Calibrate::Platt);
        assert_eq!(calibrate("\"temperature\""), Calibrate::Temperature);
        let decide = |value: &str| with(&format!("decide = {value}")).decide.unwrap();
        assert_eq!(decide("\"largest\""), Decide::Largest);
        assert_eq!(decide("\"tuned\""), Decide::Tuned);
        assert_eq!(decide("0.35"), Decide::Threshold(0.35));
    }
    assert_eq!(whole_candidate(TASK, "fit = \"linear\"\ndecide = \"tuned\"").decide, Some(Decide::Tuned));
}

#[test]
fn costs_are_said_by_kind_of_mistake_or_by_pair_of_labels() {
    let of = |task: &str, keys: &str| {
        let project = parse(&format!("{task}{keys}")).unwrap_or_else(|e| panic!("{e}"));
        (project.tasks[0].metric, project.tasks[0].costs.clone().unwrap())
    };
    let keys = "metric = \"cost\"\ncosts = { false_positive = 1, false_negative = 25, true_positive = -10.5 }";
    let costs = BooleanCosts { true_positive: -10.5, false_positive: 1.0, true_negative: 0.0, false_negative: 25.0 };
    assert_eq!(of(&task_of("\"boolean\""), keys), (Metric::Cost, CostsSpec::Boolean(costs)));

    let keys = "costs = { b = { a = 5 }, \"a\" = { \"c d\" = 2.5, a = -1 } }";
    let cost = |truth: &str, answer: &str, cost| LabelCost { truth: truth.into(), answer: answer.into(), cost };
    let costs = vec![cost("b", "a", 5.0), cost("a", "c d", 2.5), cost("a", "a", -1.0)];
    assert_eq!(of(TASK, keys), (Metric::MacroF1, CostsSpec::Label(costs)));
    // Labels may be called like kinds of mistakes.
    let costs = vec![cost("false_positive", "true_positive", 1.0)];
    assert_eq!(of(TASK, "costs.false_positive.true_positive = 1").1, CostsSpec::Label(costs));
}

#[test]
fn answers_of_every_kind() {
    for kind in AnswerKind::ALL {
        let text = TASK.replace("\"label\"", &format!("\"{kind}\""));
        let task = &parse(&text).unwrap_or_else(|e| panic!("{e}")).tasks[0];
        assert_eq!(task.answer.kind, kind);
        assert_eq!(task.metric, Metric::of_kind(kind)[0]);
    }
    let text = TASK.replace("\"label\"", "{ item = \"text\", \"unit price\" = \"number\" }");
    let answer = &parse(&text).unwrap_or_else(|e| panic!("{e}")).tasks[0].answer;
    assert_eq!(answer.kind, AnswerKind::Json);
    assert_eq!(answer.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["item", "unit price"]);
}

#[test]
fn prices_are_exact_and_providers_may_change_well_known_ones() {
    let project = with(
        "[provider.openai]\nconcurrency = 2\n[provider.lab]\ndialect = \"anthropic\"\nbase_url = \"https://lab.example/\"\n\
         [price.\"lab/x\"]\ninput = 0.1\noutput = 3\ncached_input = 0.000001\n",
    );
    let [openai, lab] = project.providers.as_slice() else { panic!("{:?}", project.providers) };
    assert_eq!(
        (openai.base_url.as_str(), openai.concurrency, openai.needs_key),
        ("https://api.openai.com/v1", 2, true)
    );
    assert_eq!((lab.base_url.as_str(), lab.concurrency, lab.max_retries), ("https://lab.example", 8, 4));
    let price = &project.prices[0];
    assert_eq!(price.model.to_string(), "lab/x");
    assert_eq!(price.input.times(10_000_000), Usd::from_dollars(1.0));
    assert_eq!((price.output, price.cached_input), (Usd::from_picos(3_000_000), Some(Usd::from_picos(1))));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", TASK.replace('\n', "\r\n"));
    assert_eq!(parse(&text).unwrap_or_else(|e| panic!("{e}")).tasks.len(), 1);
    let wrong = text.replace("train", "trian");
    let problems = parse(&wrong).unwrap_err();
    let problem = problems.iter().find(|p| p.message.contains("trian")).unwrap();
    assert_eq!((problem.line, problem.column, &wrong[problem.span.clone()]), (6, 1, "trian"));
}

#[test]
fn later_problems_stand_at_their_key() {
    let project = with("");
    let problem = project.problem_at(&["task", "t", "input", "sent"], yw_config::Severity::Error, "no such column");
    assert_eq!((problem.line, problem.column, problem.key_path.as_str()), (4, 26, "task.t.input.sent"));
    let shown = project.problems(vec![problem.with_hint("there are `body` and `at`")]).to_string();
    insta::assert_snapshot!(shown, @r#"
    error: no such column
     --> /nowhere/support/yellowwood.toml:4:26
      |
    4 | input = { body = "text", sent = "time" }
      |                          ^^^^
      = help: there are `body` and `at`
    "#);
    // What the file does not have stands at the nearest table that it has.
    let problem = project.problem_at(&["task", "t", "metric"], yw_config::Severity::Warning, "odd");
    assert_eq!(problem.line, 2);
}

#[test]
fn the_file_is_found_upwards() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    assert!(yw_config::find(&deep).is_err());
    let file = folder.path().join("yellowwood.toml");
    std::fs::write(&file, TASK).unwrap();
    assert_eq!(yw_config::find(&deep).unwrap(), file);
    assert_eq!(load(&file).unwrap().dir, folder.path());
    assert!(matches!(load(&deep), Err(LoadError::Io { path, .. }) if path == deep.join("yellowwood.toml")));
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yellowwood.toml");
    let message = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let Err(LoadError::Problems(problems)) = load(&file) else { panic!() };
        let first = problems.iter().next().unwrap();
        (first.message.clone(), first.line)
    };
    assert_eq!(message(b"name = 'a'\nquestion = '\xff'"), ("the file is not UTF-8 text".into(), 2));
    assert_eq!(message(&vec![b'#'; (1 << 20) + 1]).0, "the file has more than 1048576 bytes");
    let nested = format!("name = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(message(nested.as_bytes()).0.starts_with("this is not TOML"));
    let keys = "name.".repeat(50_000) + "b = 1";
    assert!(message(keys.as_bytes()).0.starts_with("this is not TOML"));
}

#[test]
fn hostile_files_are_survived() {
    let cascade = |i: usize| format!("[task.t.candidate.c{i}]\nfirst = \"c{}\"\nthen = \"baseline\"\n", i + 1);
    let chain: String = (0..4_000).map(cascade).collect();
    let texts = [
        format!("{TASK}{chain}"),
        format!("name = [{}", ",".repeat(250_000)),
        "=\n".repeat(100_000),
        (0..20_000).map(|i| format!("k{i} = {i}\n")).collect(),
        "[a]\n".repeat(50_000),
        "\"".repeat(250_000),
        format!("name = \"{}\"\nnam = 1 ", "\u{e9}".repeat(100_000)),
    ];
    for text in texts {
        let problems = parse(&text).unwrap_err();
        assert!(problems.len() <= yw_config::Problems::MAX);
        assert!(problems.to_string().len() < 500_000);
    }
}

#[test]
fn a_text_that_is_parsed_where_it_lies_is_what_load_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yellowwood.toml");
    std::fs::write(&file, TASK).unwrap();
    let (loaded, parsed) = (load(folder.path()).unwrap(), parse_at(TASK, &file).unwrap());
    assert_eq!(loaded.tasks, parsed.tasks);
    assert_eq!(loaded.file, parsed.file);
}
