//! Damaged files give errors, or models that are sound all the same: never a panic.

use proptest::prelude::*;
use yw_trees::read_model;

use super::fixture::{Fixture, bytes_of, fixtures};

/// Reads bytes, and asks whatever comes of it for a prediction and its bytes.
fn survive(bytes: &[u8]) {
    if let Ok(ensemble) = read_model(bytes) {
        let margins = ensemble.margins(|feature| if feature % 2 == 0 { 1.0 } else { f64::NAN });
        assert!(!margins.is_empty());
        assert_eq!(read_model(&ensemble.to_bytes()), Ok(ensemble));
    }
}

#[test]
fn truncated_files_are_refused() {
    for Fixture { name, bytes, .. } in fixtures() {
        // What follows the trees of LightGBM is for people.
        let marker = b"end of trees";
        let needed = bytes.windows(marker.len()).position(|window| window == marker).map(|at| at + marker.len());
        let needed = needed.unwrap_or_else(|| bytes.trim_ascii_end().len());
        // Every length of what is small, and many of what is not.
        for len in (0..needed).step_by(1 + needed / 1500) {
            assert!(read_model(&bytes[..len]).is_err(), "{name} cut to {len} bytes is read");
        }
    }
}

#[test]
fn truncated_files_of_our_own_are_refused() {
    for Fixture { name, bytes, .. } in fixtures().into_iter().step_by(5) {
        let bytes = read_model(&bytes).unwrap().to_bytes();
        for len in 0..bytes.len() {
            assert!(read_model(&bytes[..len]).is_err(), "{name} cut to {len} bytes is read");
        }
    }
}

#[test]
fn hostile_files_are_refused() {
    let check = |bytes: &[u8], expect: &str| {
        let error = read_model(bytes).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(b"", "there is nothing in it");
    check(b"\x80\x04\x95", "pickle");
    check(b"binf", "old binary format");
    check(b"[{\"nodeid\": 0}]", "dump_model");
    check(b"{\"name\": \"tree\"}", "save_model");
    check(&b"{\"a\":".repeat(100_000), "nested too deeply");
    let json = String::from_utf8(bytes_of("xgboost_logistic.json")).unwrap();
    let check_json = |from: &str, to: &str, expect: &str| {
        assert!(json.contains(from), "{from}");
        check(json.replacen(from, to, 1).as_bytes(), expect);
    };
    check_json("\"num_class\":\"0\",\"num_feature\":\"3", "\"num_feature\":\"4000000000", "features without names");
    check_json("\"num_class\":\"0\"", "\"num_class\":\"60000\"", "many trees for some outputs and few for others");
    check_json("\"split_indices\":[0", "\"split_indices\":[3", "`split_indices[0]` is no feature");
    check_json("\"num_target\":\"1\"", "\"num_target\":\"1e300\"", "is no whole number");
    check_json("\"left_children\":[1,", "\"left_children\":[0,", "has more than one parent");
    check_json("\"left_children\":[1,", "\"left_children\":[999,", "child that does not exist");
    check_json("\"base_score\":\"[", "\"base_score\":\"[0.5,", "scores for 1 outputs");
    check_json("binary:logistic", "binary:hinge", "the objective `binary:hinge` cannot be imported");
    let text = String::from_utf8(bytes_of("lightgbm_binary.txt")).unwrap();
    let check_text = |from: &str, to: &str, expect: &str| {
        assert!(text.contains(from), "{from}");
        check(text.replacen(from, to, 1).as_bytes(), expect);
    };
    check_text("num_leaves=6", "num_leaves=4000000000", "instead of 4000000000");
    check_text("num_tree_per_iteration=1", "num_tree_per_iteration=4000000000", "no number of outputs");
    check_text("left_child=1 ", "left_child=0 ", "a child that comes before it");
    check_text("leaf_value=", "leaf_value=x", "which is no number it can have");
    check_text("cat_boundaries=0 ", "cat_boundaries=1 ", "does not divide");
}

#[test]
fn sets_of_levels_cannot_take_all_memory() {
    let trees: Vec<String> = (0..2000).map(|id| {
        format!(
            r#"{{"categories":[16777215],"categories_nodes":[0],"categories_segments":[0],"categories_sizes":[1],"default_left":[0,0,0],"id":{id},"left_children":[1,-1,-1],"loss_changes":[0,0,0],"right_children":[2,-1,-1],"split_conditions":[0,0,0],"split_indices":[0,0,0],"split_type":[1,0,0],"sum_hessian":[0,0,0],"tree_param":{{}}}}"#
        )
    }).collect();
    let json = format!(
        r#"{{"learner":{{"gradient_booster":{{"model":{{"tree_info":{:?},"trees":[{}]}},"name":"gbtree"}},"learner_model_param":{{"base_score":"0","num_feature":"1"}},"objective":{{"name":"reg:squarederror"}}}}}}"#,
        vec![0; trees.len()],
        trees.join(",")
    );
    let error = read_model(json.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("take too much memory"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_bytes_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        for fixture in fixtures() {
            let mut bytes = fixture.bytes;
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            survive(&bytes);
        }
    }

    #[test]
    fn swapped_digits_do_no_harm(changes in prop::collection::vec((any::<prop::sample::Index>(), b'0'..b':'), 1..30)) {
        for fixture in fixtures() {
            let mut bytes = fixture.bytes;
            let digits: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()).collect();
            for (at, digit) in &changes {
                bytes[digits[at.index(digits.len())]] = *digit;
            }
            survive(&bytes);
        }
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for start in [&b""[..], b"{\"learner\":", b"{L\0\0\0\0\0\0\0\x07learner{", b"tree\n", b"YWTREES\n\x01\0\0\0"] {
            prop_assert!(read_model(&[start, &bytes].concat()).is_err());
        }
    }
}
