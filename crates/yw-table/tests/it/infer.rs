//! Types out of values.

use yw_table::Source;
use yw_task::FieldType;

use crate::support::{block_on, folder};

#[test]
fn types_are_found() {
    let mut csv = "id;churned;amount;plan;seen;body;empty\n".to_owned();
    for i in 0..60 {
        let churned = if i % 7 == 0 { "" } else { ["yes", "no"][i % 2] };
        let plan = ["free", "pro", "team"][i % 3];
        csv += &format!(
            "{i};{churned};{}.5;{plan};2024-01-{:02};Ticket {i} says that the printer burns;\n",
            i,
            i % 28 + 1
        );
    }
    let folder = folder(&[("t.csv", csv.as_bytes())]);
    let columns = block_on(yw_table::infer(&Source::new(folder.path(), "t.csv"))).unwrap();
    let types: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.field_type)).collect();
    assert_eq!(
        types,
        [
            ("id", FieldType::Number),
            ("churned", FieldType::Boolean),
            ("amount", FieldType::Number),
            ("plan", FieldType::Category),
            ("seen", FieldType::Time),
            ("body", FieldType::Text),
            ("empty", FieldType::Text),
        ]
    );
    assert_eq!((columns[1].n_missing, columns[1].n_distinct), (9, 2));
    assert_eq!(columns[3].examples, ["free", "pro", "team"]);
    assert_eq!(columns[6].n_missing, 60);
}

#[test]
fn json_types_are_used() {
    let folder = folder(&[("t.jsonl", b"{\"flag\": true, \"n\": 1, \"s\": \"x\"}\n{\"flag\": false, \"n\": 2.5}\n")]);
    let columns = block_on(yw_table::infer(&Source::new(folder.path(), "t.jsonl"))).unwrap();
    let types: Vec<_> = columns.iter().map(|c| c.field_type).collect();
    assert_eq!(types, [FieldType::Boolean, FieldType::Number, FieldType::Category]);
}
