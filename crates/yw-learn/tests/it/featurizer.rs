//! From rows to features.

use proptest::prelude::*;
use yw_learn::{
    CategoryParams, FeatureMatrix, Featurizer, FeaturizerParams, FitError, Impute, NumberParams, TextParams,
};
use yw_task::{Field, FieldType};

use crate::fixtures::{Owned, all_fields, numbers, rows_of, texts, wild_rows};

fn dense_row(features: &FeatureMatrix, row_idx: usize) -> Vec<f32> {
    let mut dense = vec![0.0; features.n_features()];
    features.row(row_idx).iter().for_each(|(idx, value)| dense[idx] = value);
    dense
}

fn check(features: &FeatureMatrix, expect: &[&[f32]]) {
    assert_eq!(features.n_rows(), expect.len());
    for (row_idx, expect) in expect.iter().enumerate() {
        let found = dense_row(features, row_idx);
        let is_close = found.len() == expect.len() && found.iter().zip(*expect).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(is_close, "row {row_idx}: {found:?} is not {expect:?}");
    }
}

proptest! {
    #[test]
    fn features_are_finite_and_as_many_as_their_names(train in wild_rows(1..12), test in wild_rows(1..6)) {
        let (train, test) = (rows_of(all_fields(), &train), rows_of(all_fields(), &test));
        let featurizer = Featurizer::fit(&train, &FeaturizerParams::default()).unwrap();
        prop_assert_eq!(featurizer.feature_names().len(), featurizer.n_features());
        for rows in [&train, &test] {
            let features = featurizer.transform(rows);
            prop_assert_eq!(features.n_rows(), rows.n_rows());
            for row_idx in 0..rows.n_rows() {
                let row = features.row(row_idx);
                prop_assert!(row.idxs.is_sorted_by(|a, b| a < b));
                prop_assert!(row.iter().all(|(idx, value)| idx < featurizer.n_features() && value.is_finite()));
            }
        }
    }

    #[test]
    fn a_row_is_transformed_alone(train in wild_rows(1..12), test in wild_rows(1..6)) {
        let (train, test) = (rows_of(all_fields(), &train), rows_of(all_fields(), &test));
        let featurizer = Featurizer::fit(&train, &FeaturizerParams::default()).unwrap();
        let together = featurizer.transform(&test);
        for row_idx in 0..test.n_rows() {
            let alone = featurizer.transform(&test.slice(row_idx, 1));
            prop_assert_eq!(alone.row(0), together.row(row_idx));
        }
    }

    #[test]
    fn the_order_of_training_rows_does_not_matter(train in wild_rows(2..12)) {
        let backwards: Vec<usize> = (0..train.len()).rev().collect();
        let train = rows_of(all_fields(), &train);
        let params = FeaturizerParams::default();
        let (forth, back) = (Featurizer::fit(&train, &params).unwrap(), Featurizer::fit(&train.take(&backwards), &params).unwrap());
        prop_assert_eq!(forth.feature_names(), back.feature_names());
        let (forth, back) = (forth.transform(&train), back.transform(&train));
        for row_idx in 0..train.n_rows() {
            let pairs = dense_row(&forth, row_idx).into_iter().zip(dense_row(&back, row_idx));
            for (a, b) in pairs {
                prop_assert!((a - b).abs() <= 1e-4 * (1.0 + a.abs()), "{} is not {}", a, b);
            }
        }
    }
}

#[test]
fn numbers_are_filled_in_and_standardised() {
    let rows = rows_of(
        [Field::new("n", FieldType::Number)].into(),
        &[vec![Owned::Number(1.0)], vec![Owned::Missing], vec![Owned::Number(3.0)], vec![Owned::Number(11.0)]],
    );
    // Filled in: 1 3 3 11, mean 4.5, deviation √((12.25 + 2.25 + 2.25 + 42.25) / 4).
    let deviation = 14.75f32.sqrt();
    let featurizer = Featurizer::fit(&rows, &FeaturizerParams::default()).unwrap();
    assert_eq!(featurizer.feature_names(), ["n", "n (missing)"]);
    let middle = -1.5 / deviation;
    check(
        &featurizer.transform(&rows),
        &[&[-3.5 / deviation, 0.0], &[middle, 1.0], &[middle, 0.0], &[6.5 / deviation, 0.0]],
    );
    // Filled in with the mean instead: 1 5 3 11.
    let params = FeaturizerParams { number: NumberParams { impute: Impute::Mean }, ..FeaturizerParams::default() };
    let features = Featurizer::fit(&rows, &params).unwrap().transform(&rows);
    check(
        &features,
        &[&[-4.0 / 14f32.sqrt(), 0.0], &[0.0, 1.0], &[-2.0 / 14f32.sqrt(), 0.0], &[6.0 / 14f32.sqrt(), 0.0]],
    );
}

#[test]
fn constant_and_huge_numbers_are_harmless() {
    let train = numbers(&[("constant", &[0.1, 0.1, 0.1]), ("huge", &[f64::MAX, -f64::MAX, 0.0])]);
    let featurizer = Featurizer::fit(&train, &FeaturizerParams::default()).unwrap();
    let outer = 1.5f32.sqrt();
    check(&featurizer.transform(&train), &[&[0.0, outer], &[0.0, -outer], &[0.0, 0.0]]);
    let test = numbers(&[("constant", &[1e300]), ("huge", &[1.0])]);
    check(&featurizer.transform(&test), &[&[0.0, 0.0]]);
}

#[test]
fn an_extreme_number_is_cut_off() {
    let featurizer = Featurizer::fit(&numbers(&[("n", &[-1.0, 1.0])]), &FeaturizerParams::default()).unwrap();
    check(&featurizer.transform(&numbers(&[("n", &[1e300, -1e9])])), &[&[1e6], &[-1e6]]);
}

#[test]
fn rare_and_unseen_levels_share_a_feature() {
    let level = |name: &str| vec![Owned::Text(name.to_owned())];
    let fields: std::sync::Arc<[Field]> = [Field::new("plan", FieldType::Category)].into();
    let train = rows_of(
        fields.clone(),
        &[level("free"), level("free"), level("pro"), level("pro"), level("pro"), level("odd")],
    );
    let params = |min_rows, max_levels| FeaturizerParams {
        category: CategoryParams { min_rows, max_levels, ..CategoryParams::default() },
        ..FeaturizerParams::default()
    };
    let test = rows_of(fields, &[level("pro"), level("odd"), level("never seen"), vec![Owned::Missing]]);

    let featurizer = Featurizer::fit(&train, &params(2, 10)).unwrap();
    assert_eq!(featurizer.feature_names(), ["plan = pro", "plan = free", "plan (other)"]);
    check(&featurizer.transform(&test), &[&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0], &[0.0, 0.0, 1.0], &[0.0; 3]]);

    let featurizer = Featurizer::fit(&train, &params(1, 10)).unwrap();
    assert_eq!(featurizer.feature_names(), ["plan = pro", "plan = free", "plan = odd"]);
    check(&featurizer.transform(&test), &[&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0], &[0.0; 3], &[0.0; 3]]);

    let featurizer = Featurizer::fit(&train, &params(1, 1)).unwrap();
    assert_eq!(featurizer.feature_names(), ["plan = pro", "plan (other)"]);
}

#[test]
fn booleans_and_missing_values() {
    let fields: std::sync::Arc<[Field]> =
        [Field::new("vip", FieldType::Boolean), Field::new("plan", FieldType::Category)].into();
    let rows = rows_of(
        fields,
        &[
            vec![Owned::Boolean(true), Owned::Missing],
            vec![Owned::Missing, Owned::Text("a".into())],
            vec![Owned::Boolean(false), Owned::Text("a".into())],
        ],
    );
    let params = FeaturizerParams {
        category: CategoryParams { min_rows: 1, max_levels: 9, ..CategoryParams::default() },
        ..FeaturizerParams::default()
    };
    let featurizer = Featurizer::fit(&rows, &params).unwrap();
    assert_eq!(featurizer.feature_names(), ["vip = true", "vip (missing)", "plan = a", "plan (missing)"]);
    check(&featurizer.transform(&rows), &[&[1.0, 0.0, 0.0, 1.0], &[0.5, 1.0, 1.0, 0.0], &[0.0, 0.0, 1.0, 0.0]]);
}

#[test]
fn calendar_parts() {
    // Saturday 2024-06-15 18:00 and Monday 2024-01-01 00:00, UTC
    let fields = [Field::new("at", FieldType::Time)].into();
    let rows = rows_of(fields, &[vec![Owned::Time(1_718_474_400_000_000)], vec![Owned::Time(1_704_067_200_000_000)]]);
    let featurizer = Featurizer::fit(&rows, &FeaturizerParams::default()).unwrap();
    let features = featurizer.transform(&rows);
    let value = |row_idx: usize, name: &str| {
        let idx = featurizer.feature_names().iter().position(|n| n == name).expect("the feature exists");
        dense_row(&features, row_idx)[idx]
    };
    let of_row = |row_idx| {
        ["at", "at: weekend", "at: June", "at: January", "at: Saturday", "at: Monday", "at: time of day (sin)"]
            .map(|name| value(row_idx, name))
    };
    assert_eq!(of_row(0), [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, -1.0]);
    assert_eq!(of_row(1), [-1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
}

/// Values of scikit-learn 1.9's `TfidfVectorizer(sublinear_tf=True, min_df=2)`.
#[test]
fn tf_idf_equals_scikit_learn() {
    let train = texts(&[
        "The card was stolen, the CARD!",
        "New card please",
        "Größe passt nicht, a refund please",
        "the refund",
    ]);
    let test = texts(&["please, the card stolen the the", "", "unknown"]);
    let with = |words, characters| FeaturizerParams {
        text: TextParams { words, characters, min_rows: Some(2), ..TextParams::default() },
        ..FeaturizerParams::default()
    };

    let words = Featurizer::fit(&train, &with(Some((1, 2)), None)).unwrap();
    assert_eq!(words.feature_names(), ["body: \"card\"", "body: \"please\"", "body: \"refund\"", "body: \"the\""]);
    let half = 0.5f32.sqrt();
    check(
        &words.transform(&train),
        &[&[half, 0.0, 0.0, half], &[half, half, 0.0, 0.0], &[0.0, half, half, 0.0], &[0.0, 0.0, half, half]],
    );
    check(&words.transform(&test), &[&[0.395_155_88, 0.395_155_88, 0.0, 0.829_279], &[0.0; 4], &[0.0; 4]]);

    let characters = Featurizer::fit(&train, &with(None, Some((2, 3)))).unwrap();
    let names = characters.feature_names();
    assert_eq!(names.len(), 43);
    let features = dense_row(&characters.transform(&test), 0);
    for (ngram, expect) in [
        (" ca", 0.140_961_19f32),
        (" t", 0.295_822_9),
        ("e ", 0.195_802_14),
        ("d ", 0.093_300_77),
        ("he ", 0.295_822_9),
        ("as", 0.114_120_23),
        ("un", 0.0),
        ("the", 0.295_822_9),
    ] {
        let position = names.iter().position(|n| *n == format!("body: characters \"{ngram}\""));
        let found = features[position.expect("scikit-learn has the n-gram")];
        assert!((found - expect).abs() < 1e-6, "{ngram:?}: {found} is not {expect}");
    }

    // Both blocks side by side, each of length one.
    let both = Featurizer::fit(&train, &with(Some((1, 2)), Some((2, 3)))).unwrap();
    assert_eq!(both.n_features(), 4 + 43);
    let squares: f32 = dense_row(&both.transform(&test), 0).iter().map(|v| v * v).sum();
    assert!((squares - 2.0).abs() < 1e-5);
}

#[test]
fn the_vocabulary_can_be_bounded() {
    let train = texts(&["b a b", "b aa", "bb aa cc", "aa cc"]);
    let params = FeaturizerParams {
        text: TextParams {
            characters: None,
            words: Some((1, 1)),
            min_rows: Some(1),
            max_features: 2,
            ..TextParams::default()
        },
        ..FeaturizerParams::default()
    };
    let names = Featurizer::fit(&train, &params).unwrap().feature_names();
    assert_eq!(names, ["body: \"aa\"", "body: \"cc\""]);
}

#[test]
fn text_fields_share_a_vocabulary_but_no_ngram() {
    let fields = [Field::new("subject", FieldType::Text), Field::new("body", FieldType::Text)].into();
    let text = |t: &str| Owned::Text(t.to_owned());
    let rows = rows_of(fields, &[vec![text("hello"), text("refund")], vec![text("refund"), Owned::Missing]]);
    let params = FeaturizerParams {
        text: TextParams { characters: None, ..TextParams::default() },
        ..FeaturizerParams::default()
    };
    let featurizer = Featurizer::fit(&rows, &params).unwrap();
    // No bigram "hello refund": the words stand in different fields.
    assert_eq!(featurizer.feature_names(), ["subject, body: \"refund\"", "subject, body: \"hello\""]);
    // The inverse document frequencies are 1 and ln(3 / 2) + 1.
    let idf = 1.5f32.ln() + 1.0;
    let norm = (1.0 + idf * idf).sqrt();
    check(&featurizer.transform(&rows), &[&[1.0 / norm, idf / norm], &[1.0, 0.0]]);
}

#[test]
fn an_impossible_range_is_refused() {
    for words in [(0, 2), (3, 2)] {
        let params = FeaturizerParams {
            text: TextParams { words: Some(words), ..TextParams::default() },
            ..FeaturizerParams::default()
        };
        let refused = Featurizer::fit(&texts(&["x"]), &params);
        assert!(matches!(refused, Err(FitError::Parameter { name: "words", .. })));
    }
}
