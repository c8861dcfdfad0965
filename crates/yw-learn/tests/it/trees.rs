//! Trees over typed fields.

use std::sync::Arc;

use yw_learn::{Model, ModelParams, Monotone, TreesParams};
use yw_task::{Cell, Field, FieldType, LabelSet, LabelledRows, RowsBuilder, Scores, Truth, Value};

/// Rows with every type of field: the answer depends on all of them.
fn shop(n: usize) -> (yw_task::Rows, Vec<f64>) {
    let fields: Arc<[Field]> = [
        Field::new("price", FieldType::Number),
        Field::new("member", FieldType::Boolean),
        Field::new("city", FieldType::Category),
        Field::new("seen", FieldType::Time),
        Field::new("note", FieldType::Text),
    ]
    .into();
    let mut builder = RowsBuilder::new(fields);
    let mut scores = Vec::new();
    for i in 0..n {
        let (price, member, city, urgent) =
            (((i * 37) % 100) as f64, i % 3 == 0, ["rome", "oslo", "lima"][i % 7 % 3], i % 5 == 0);
        let hour = (i * 11) % 24;
        let note = if urgent { "please refund at once" } else { "thanks for the parcel" };
        let price_cell = if i % 10 == 9 { Cell::Missing } else { Cell::Number(price) };
        let micros = (i as i64 * 86_400 + hour as i64 * 3600) * 1_000_000;
        builder
            .push(&[price_cell, Cell::Boolean(member), Cell::Text(city), Cell::Time(micros), Cell::Text(note)])
            .unwrap();
        let night = f64::from(u8::from(hour < 6));
        let lima = f64::from(u8::from(city == "lima"));
        scores
            .push(price / 25.0 + 2.0 * f64::from(u8::from(urgent)) + night + 1.5 * lima + f64::from(u8::from(member)));
    }
    (builder.finish(), scores)
}

fn numbers(n: usize) -> LabelledRows {
    let (rows, scores) = shop(n);
    LabelledRows { rows, truth: Truth::Number(scores), groups: None }
}

fn labels(n: usize) -> LabelledRows {
    let (rows, scores) = shop(n);
    let ids = scores
        .iter()
        .map(|&s| {
            if s < 2.0 {
                0
            } else if s < 4.0 {
                1
            } else {
                2
            }
        })
        .collect();
    LabelledRows { rows, truth: Truth::Label { ids, labels: LabelSet::sorted(["high", "low", "mid"]) }, groups: None }
}

fn trees() -> TreesParams {
    let mut params = TreesParams::default();
    params.grow.trees = 60;
    params.grow.learning_rate = 0.2;
    params.grow.min_rows_per_leaf = 5;
    params
}

fn fit(train: &LabelledRows, params: TreesParams) -> Model {
    Model::fit(train, &ModelParams::Trees(Box::new(params)), 7).unwrap()
}

fn rmse(model: &Model, data: &LabelledRows) -> f64 {
    let Truth::Number(truths) = &data.truth else { unreachable!() };
    let error = |(answer, truth): (yw_task::Answer, &f64)| match answer.value {
        Value::Number(number) => (number - truth).powi(2),
        other => panic!("{other} is no number"),
    };
    let answers = model.answers(&data.rows).into_iter();
    (answers.zip(truths).map(error).sum::<f64>() / truths.len() as f64).sqrt()
}

#[test]
fn every_type_of_field_is_learned_from() {
    let data = numbers(1500);
    let error = rmse(&fit(&data, trees()), &data);
    assert!(error < 0.35, "{error}");
    // Without terms the answers that depend on the note cannot be right.
    let without_texts = rmse(&fit(&data, TreesParams { max_text_features: 0, ..trees() }), &data);
    assert!(without_texts > 2.0 * error, "{without_texts}");
}

#[test]
fn labels_come_with_probabilities() {
    let data = labels(1500);
    let model = fit(&data, trees());
    let Truth::Label { ids, labels } = &data.truth else { unreachable!() };
    let answers = model.answers(&data.rows);
    let right = answers.iter().zip(ids).filter(|(a, id)| a.value.to_string() == **labels.name(**id)).count();
    assert!(right > 1400, "{right}");
    for answer in &answers {
        let Some(Scores::Labels(scores)) = &answer.scores else { panic!("labels have scores") };
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn forests_average_classes() {
    let data = labels(1500);
    let mut params = TreesParams::of(yw_trees::TreesParams::forest(yw_trees::Objective::SquaredError));
    params.grow.trees = 30;
    let model = fit(&data, params);
    for answer in model.answers(&data.rows) {
        let Some(Scores::Labels(scores)) = &answer.scores else { panic!("labels have scores") };
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-6 && scores.iter().all(|p| *p >= 0.0), "{scores:?}");
    }
}

#[test]
fn saved_models_answer_the_same_and_damaged_ones_are_refused() {
    for data in [numbers(600), labels(600)] {
        let model = fit(&data, trees());
        let bytes = model.to_bytes();
        let loaded = Model::from_bytes(&bytes).unwrap();
        assert_eq!(loaded, model);
        assert_eq!(loaded.answers(&data.rows), model.answers(&data.rows));
        for end in (0..bytes.len()).step_by(997) {
            assert!(Model::from_bytes(&bytes[..end]).is_err());
        }
    }
}

#[test]
fn levels_that_no_training_row_had_are_answered() {
    let model = fit(&numbers(600), trees());
    let mut builder = RowsBuilder::new(model.fields().clone());
    builder.push(&[Cell::Missing, Cell::Missing, Cell::Text("atlantis"), Cell::Missing, Cell::Missing]).unwrap();
    let Value::Number(number) = model.answers(&builder.finish())[0].value else { panic!("a number") };
    assert!(number.is_finite());
}

#[test]
fn contributions_add_up_to_the_score() {
    let data = numbers(600);
    let model = fit(&data, trees());
    let explained = model.explain(&data.rows).unwrap();
    for (row, answer) in model.answers(&data.rows).iter().enumerate() {
        let Value::Number(number) = answer.value else { panic!("a number") };
        assert!((explained.score(row, 0) - number).abs() < 1e-6);
    }
    let important = &model.importance(3).unwrap()[0].features;
    assert_eq!(important[0].name, "price");
}

#[test]
fn constraints_are_given_by_field() {
    let data = numbers(1500);
    let decreasing = vec![("price".to_owned(), Monotone::Decreasing)];
    let constrained = fit(&data, TreesParams { monotone: decreasing, ..trees() });
    // Answers grow with the price; a model that may not say so cannot be good.
    assert!(rmse(&constrained, &data) > 3.0 * rmse(&fit(&data, trees()), &data));
    let alone = vec![vec!["price".to_owned()], vec!["note".to_owned(), "city".to_owned()]];
    let explained = fit(&data, TreesParams { interactions: alone, ..trees() });
    assert!(rmse(&explained, &data) < 1.5);
}

#[test]
fn early_stopping_keeps_fewer_rounds() {
    let data = numbers(600);
    let mut params = trees();
    params.grow.trees = 400;
    params.grow.early_stopping_rounds = Some(5);
    let model = fit(&data, params);
    assert!((5..400).contains(&model.summary().iterations), "{}", model.summary().iterations);
}

#[test]
fn texts_cannot_be_answered() {
    let (rows, _) = shop(5);
    let train = LabelledRows { rows, truth: Truth::Text(vec![String::new(); 5]), groups: None };
    let refused = Model::fit(&train, &ModelParams::Trees(Box::new(trees())), 0).unwrap_err();
    assert_eq!(refused.to_string(), "a trees model cannot answer with a text");
}

#[test]
fn trees_of_other_programs_answer_by_field_name() {
    let fields = [Field::new("city", FieldType::Category), Field::new("price", FieldType::Number)];
    let mut builder = RowsBuilder::new(fields.into());
    let rows = [("rome", 1.0), ("oslo", 2.0), ("lima", 9.0), ("lima", 1.0)];
    rows.iter().for_each(|(city, price)| builder.push(&[Cell::Text(city), Cell::Number(*price)]).unwrap());
    let train = LabelledRows { rows: builder.finish(), truth: Truth::Number(vec![0.0; 4]), groups: None };
    // The price above 5 adds 100; of the levels lima, oslo, rome, the last adds 10. The price comes first in the file.
    let info = |name: &str, n_levels| yw_trees::FeatureInfo { name: name.to_owned(), n_levels };
    let leaf = |value| yw_trees::Leaf { value, cover: 2.0, n_rows: 2 };
    let stump = |feature, rule, values: [f64; 2]| yw_trees::Tree {
        splits: vec![yw_trees::Split {
            feature,
            rule,
            missing_left: true,
            left: yw_trees::Child::Leaf(0),
            right: yw_trees::Child::Leaf(1),
            gain: 1.0,
            cover: 4.0,
            n_rows: 4,
        }],
        leaves: values.map(leaf).to_vec(),
    };
    let ensemble = yw_trees::Ensemble {
        features: vec![info("price", None), info("city", Some(3))],
        base: vec![1.0],
        trees: vec![
            stump(0, yw_trees::Rule::AtMost { threshold: 5.0, zero_is_missing: false }, [0.0, 100.0]),
            stump(1, yw_trees::Rule::OneOf([2].into_iter().collect()), [10.0, 0.0]),
        ],
        link: yw_trees::Link::Identity,
    };
    let file = |ensemble| yw_trees::ModelFile {
        format: yw_trees::ModelFormat::LightGbm,
        ensemble,
        level_names: vec![None, None],
    };
    let fit = |ensemble| Model::fit(&train, &ModelParams::TreesFile(Arc::new(file(ensemble))), 0);
    let model = fit(ensemble.clone()).unwrap();
    let numbers: Vec<String> = model.answers(&train.rows).iter().map(|a| a.value.to_string()).collect();
    assert_eq!(numbers, ["11", "1", "101", "1"]);
    assert_eq!(Model::from_bytes(&model.to_bytes()).unwrap().answers(&train.rows), model.answers(&train.rows));
    let other = yw_trees::Ensemble { features: vec![info("price", None), info("town", Some(3))], ..ensemble };
    assert_eq!(
        fit(other).unwrap_err().to_string(),
        "the model file does not fit the task: its feature `town` is none of the fields city, price"
    );
}
