//! Models survive the way through bytes, and nothing else is taken for one.

use yw_task::{Cell, LabelSet, LabelledRows, RowsBuilder, Truth};

use super::*;
use crate::bytes::HEADER_LEN;
use crate::random::Random;
use crate::{BaselineParams, CategoryParams, FeaturizerParams, LinearLoss, LinearParams, ModelParams, NearestParams};

/// Rows with a field of each type, and one answer per row.
fn rows(truth: Truth) -> LabelledRows {
    let fields = FieldType::ALL.into_iter().map(|t| Field::new(t.name(), t)).collect();
    let mut builder = RowsBuilder::new(fields);
    for i in 0..truth.len() {
        let text = format!("card {} größe {}", i % 3, i % 2);
        let level = ["a", "b"][i / 6 % 2];
        let cells =
            [Cell::Number(i as f64), Cell::Boolean(i % 2 == 0), Cell::Text(level), Cell::Text(&text), Cell::Time(1)];
        let with_missing = cells.map(|cell| if i % 7 == 3 { Cell::Missing } else { cell });
        builder.push(&with_missing).expect("the cells fit");
    }
    LabelledRows { rows: builder.finish(), truth, groups: None }
}

/// One model of each shape.
fn models() -> Vec<Model> {
    let n = 0..12usize;
    let labels = LabelSet::sorted(["b", "c", "d"]).extended(["a"]);
    let ids = n.clone().map(|i| (i % 4) as u32).collect();
    let labels = rows(Truth::Label { ids, labels });
    let booleans = rows(Truth::Boolean(n.clone().map(|i| i % 3 == 0).collect()));
    let numbers = rows(Truth::Number(n.clone().map(|i| i as f64 * 1.5).collect()));
    let texts = rows(Truth::Text(n.clone().map(|i| format!("t{}", i % 5)).collect()));
    let objects = rows(Truth::Json(n.map(|i| serde_json::json!({"i": i, "x": 0.1})).collect()));
    let linear = |loss| ModelParams::Linear(LinearParams { loss, ..LinearParams::default() });
    let category = CategoryParams { target_encode_above: 1, ..CategoryParams::default() };
    let featurizer = FeaturizerParams { category, ..FeaturizerParams::default() };
    let encoded = ModelParams::Linear(LinearParams { featurizer, ..LinearParams::default() });
    let nearest = || ModelParams::Nearest(NearestParams { k: 3, ..NearestParams::default() });
    let baseline = || ModelParams::Baseline(BaselineParams::default());
    let recipes = [
        (&labels, linear(LinearLoss::SquaredHinge)),
        (&labels, linear(LinearLoss::Logistic)),
        (&booleans, linear(LinearLoss::Logistic)),
        (&numbers, linear(LinearLoss::Squared)),
        (&numbers, encoded),
        (&labels, nearest()),
        (&numbers, nearest()),
        (&objects, nearest()),
        (&labels, baseline()),
        (&booleans, baseline()),
        (&texts, baseline()),
        (&objects, baseline()),
    ];
    recipes.into_iter().map(|(rows, params)| Model::fit(rows, &params, 0).expect("the model can be fitted")).collect()
}

/// Two rows that any model can be asked about: one without values, one with.
fn answers(model: &Model) -> Vec<yw_task::Answer> {
    let mut builder = RowsBuilder::new(model.fields().clone());
    let missing: Vec<Cell<'_>> = model.fields().iter().map(|_| Cell::Missing).collect();
    let present = model.fields().iter().map(|field| match field.field_type {
        FieldType::Number => Cell::Number(2.0),
        FieldType::Boolean => Cell::Boolean(true),
        FieldType::Category | FieldType::Text => Cell::Text("a card"),
        FieldType::Time => Cell::Time(0),
    });
    builder.push(&missing).expect("missing fits everywhere");
    builder.push(&present.collect::<Vec<_>>()).expect("the cells fit");
    model.answers(&builder.finish())
}

#[test]
fn one_of_the_models_has_mean_answers() {
    let names = |model: &Model| model.importance(usize::MAX).into_iter().flatten().flat_map(|class| class.features);
    assert!(models().iter().any(|model| names(model).any(|feature| feature.name == "category (mean answer)")));
}

#[test]
fn a_model_comes_back_as_it_was() {
    for model in models() {
        let bytes = model.to_bytes();
        let loaded = Model::from_bytes(&bytes).expect("what was written can be read");
        assert_eq!(loaded, model);
        assert_eq!(loaded.to_bytes(), bytes);
        assert_eq!(answers(&loaded), answers(&model));
        assert_eq!(loaded.summary(), model.summary());
    }
}

#[test]
fn every_truncation_and_every_flipped_byte_is_noticed() {
    for model in models().into_iter().step_by(3) {
        let bytes = model.to_bytes();
        for len in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..len]).is_err(), "{len} bytes are taken for a model");
        }
        for at in (0..bytes.len()).filter(|at| !(12..16).contains(at)) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(Model::from_bytes(&damaged).is_err(), "a change at byte {at} goes unnoticed");
        }
    }
}

#[test]
fn the_errors_say_what_is_wrong() {
    let bytes = models()[0].to_bytes();
    let with = |at: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        Model::from_bytes(&changed).unwrap_err()
    };
    assert_eq!(Model::from_bytes(b"PK\x03\x04").unwrap_err(), FormatError::NotAModel);
    assert_eq!(Model::from_bytes(b"").unwrap_err(), FormatError::NotAModel);
    assert_eq!(with(8, 9), FormatError::Version { found: 9, supported: 3 });
    assert_eq!(with(HEADER_LEN + 20, bytes[HEADER_LEN + 20] ^ 1), FormatError::Checksum);
    let (found, expected) = (bytes.len() as u64 - 1, bytes.len() as u64);
    assert_eq!(Model::from_bytes(&bytes[..bytes.len() - 1]).unwrap_err(), FormatError::Length { expected, found });
}

/// Damage under a checksum that matches: whatever is accepted must still answer, and nothing may panic.
#[test]
fn no_sealed_damage_panics() {
    let mut random = Random::new(99, 0);
    let mut n_accepted = 0;
    for model in models() {
        let bytes = model.to_bytes();
        for _ in 0..2000 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + random.next_u64() % 3 {
                let at = HEADER_LEN + random.next_u64() as usize % (damaged.len() - HEADER_LEN);
                match random.next_u64() % 5 {
                    0 => damaged[at] = random.next_u64() as u8,
                    1 => damaged[at] ^= 1 << (random.next_u64() % 8),
                    2 => damaged[at] = 0xFF,
                    3 => damaged.truncate(at),
                    _ => damaged.insert(at, random.next_u64() as u8),
                }
                if damaged.len() <= HEADER_LEN {
                    break;
                }
            }
            if let Ok(accepted) = Model::from_bytes(&HEADER.seal(Writer(damaged))) {
                n_accepted += 1;
                assert_eq!(answers(&accepted).len(), 2);
                assert_eq!(Model::from_bytes(&accepted.to_bytes()).map(|m| m.to_bytes()), Ok(accepted.to_bytes()));
            }
        }
    }
    assert!(n_accepted > 100, "the test reaches models behind the checksum: {n_accepted}");
}
