//! Models of earlier versions of the format, as they were written then.

use yw_learn::Model;
use yw_task::{Answer, Cell, Field, FieldType, Rows, RowsBuilder, Scores, Value};

/// A full row and one without values.
fn rows() -> Rows {
    let mut builder = RowsBuilder::new(FieldType::ALL.into_iter().map(|t| Field::new(t.name(), t)).collect());
    let full = [
        Cell::Number(1.0),
        Cell::Boolean(false),
        Cell::Text("pro"),
        Cell::Text("card 1 größe"),
        Cell::Time(86_400_000_000),
    ];
    builder.push(&full).expect("the cells fit");
    builder.push(&[Cell::Missing; 5]).expect("missing fits everywhere");
    builder.finish()
}

#[track_caller]
fn check(bytes: &[u8], expect: &[&[f64]; 2]) {
    let model = Model::from_bytes(bytes).expect("the old version is read");
    let numbers = |answer: &Answer| match (&answer.scores, &answer.value) {
        (Some(Scores::Labels(p)), _) => p.clone(),
        (None, Value::Number(n)) => vec![*n],
        _ => panic!("{answer:?}"),
    };
    for (answer, expect) in model.answers(&rows()).iter().zip(expect) {
        let found = numbers(answer);
        assert!(found.iter().zip(*expect).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} is not {expect:?}");
    }
    // Written again, it has the present version.
    assert_eq!(Model::from_bytes(&model.to_bytes()).as_ref(), Ok(&model));
}

#[test]
fn version_1() {
    check(
        include_bytes!("../fixtures/linear-v1.yw"),
        &[&[0.084_023_981, 0.835_635_677, 0.080_340_340], &[0.332_881_061, 0.333_017_687, 0.334_101_250]],
    );
    check(include_bytes!("../fixtures/ridge-v1.yw"), &[&[1.825_634_328], &[15.112_062_584]]);
    check(
        include_bytes!("../fixtures/nearest-v1.yw"),
        &[&[0.108_060_592, 0.783_878_815, 0.108_060_592], &[1.0 / 3.0; 3]],
    );
}

#[test]
fn version_2() {
    let linear = include_bytes!("../fixtures/linear-v2.yw");
    check(linear, &[&[0.122_084_416, 0.847_531_392, 0.030_384_192], &[0.374_062_008, 0.385_474_998, 0.240_462_994]]);
    let ridge = include_bytes!("../fixtures/ridge-v2.yw");
    check(ridge, &[&[7.481_628_233], &[31.441_439_505]]);
    for bytes in [linear.as_slice(), ridge] {
        let model = Model::from_bytes(bytes).expect("the old version is read");
        assert_eq!(model.explain(&rows()), None, "it does not know the means of its features");
    }
}
