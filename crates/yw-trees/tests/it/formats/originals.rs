//! Imported models predict as the originals, and so do they after each of our writers.

use yw_trees::{Ensemble, read_model};

use super::fixture::{Fixture, bytes_of, fixtures};

/// Compares with the original's margins and predictions, to 1e-6 of the larger of 1 and their size.
fn check(fixture: &Fixture, ensemble: &Ensemble, what: &str) {
    assert!(!fixture.rows.is_empty());
    let close = |found: &[f64], expect: &[f64], row_idx: usize, of: &str| {
        assert_eq!(found.len(), expect.len(), "{} {what}: outputs", fixture.name);
        for (found, expect) in found.iter().zip(expect) {
            assert!(
                (found - expect).abs() <= 1e-6 * expect.abs().max(1.0),
                "{} {what}, row {row_idx} {:?}: the {of} is {found} instead of {expect}",
                fixture.name,
                fixture.rows[row_idx]
            );
        }
    };
    for (row_idx, row) in fixture.rows.iter().enumerate() {
        let mut margins = ensemble.margins(|feature| row[feature as usize]);
        close(&margins, &fixture.margins[row_idx], row_idx, "margin");
        ensemble.link.apply(&mut margins);
        close(&margins, &fixture.predictions[row_idx], row_idx, "prediction");
    }
}

#[test]
fn models_predict_as_the_originals() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 45, "there are stored models of every kind");
    for fixture in &fixtures {
        let ensemble = read_model(&fixture.bytes).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        assert_eq!(ensemble.features.len(), fixture.rows[0].len(), "{}", fixture.name);
        check(fixture, &ensemble, "imported");
    }
}

#[test]
fn models_survive_our_own_format() {
    for fixture in &fixtures() {
        let ensemble = read_model(&fixture.bytes).unwrap();
        let bytes = ensemble.to_bytes();
        assert_eq!(Ensemble::from_bytes(&bytes).as_ref(), Ok(&ensemble), "{}", fixture.name);
        assert_eq!(read_model(&bytes).as_ref(), Ok(&ensemble), "{}", fixture.name);
    }
}

#[test]
fn models_survive_the_writers_of_other_formats() {
    for fixture in &fixtures() {
        let ensemble = read_model(&fixture.bytes).unwrap();
        let text = ensemble.to_lightgbm_text().unwrap();
        check(fixture, &read_model(text.as_bytes()).unwrap(), "as LightGBM text");
        // XGBoost compares in single precision, which LightGBM's boundary cases are made to tell.
        if fixture.name.starts_with("xgboost") {
            let json = ensemble.to_xgboost_json().unwrap();
            check(fixture, &read_model(json.as_bytes()).unwrap(), "as XGBoost JSON");
        }
        if fixture.name != "lightgbm_zero_missing" {
            assert!(!ensemble.to_onnx().unwrap().is_empty());
        }
    }
}

#[test]
fn models_that_cannot_be_imported_say_what_to_do() {
    let check = |file: &str, expect: &str| {
        let error = read_model(&bytes_of(file)).unwrap_err().to_string();
        assert_eq!(error, expect, "{file}");
    };
    check(
        "refused_gblinear.ubj",
        "at `learner.gradient_booster.name`: the booster `gblinear` cannot be imported; `gbtree` and `dart` can be",
    );
    check(
        "refused_vector_leaf.json",
        "at `learner.gradient_booster.model.trees[0].tree_param.size_leaf_vector`: a tree whose leaves hold a value for \
         each output cannot be imported; train with `multi_strategy=\"one_output_per_tree\"`",
    );
    check(
        "refused_linear_tree.txt",
        "in line 27: a tree with linear models in its leaves cannot be imported; train without `linear_tree`",
    );
    check(
        "refused_sqrt.txt",
        "in line 7: the objective `regression` on square roots (`reg_sqrt`) cannot be imported; regression, counts and \
         amounts, classes and ranking can be",
    );
}
