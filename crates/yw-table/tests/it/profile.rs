//! What is found in tables as a whole.

use std::sync::Arc;

use yw_table::{AnswerProfile, GiveawayKind, NumberSummary, profile};

use crate::support::table;

#[test]
fn fields_and_answers_are_summed_up() {
    let train = table(
        "n,c,s,t,k,team\n1,a,hi,2024-01-01,5,x\n,b,,2024-01-03,5,y\n4,a, ,,5,x\n4,,ho,2024-01-02,5,x\n",
        "n:number c:category s:text t:time k:number",
        "team:label",
    );
    let profile = profile(&train, None);
    let counts: Vec<_> = profile.fields.iter().map(|f| (f.n_missing, f.n_distinct, f.is_constant())).collect();
    assert_eq!(counts, [(1, 2, false), (1, 2, false), (2, 2, false), (1, 3, false), (0, 1, true)]);
    assert_eq!(profile.fields[0].numbers, Some(NumberSummary { min: 1.0, max: 4.0, mean: 3.0 }));
    assert_eq!(profile.fields[3].times, Some((1_704_067_200_000_000, 1_704_240_000_000_000)));
    assert_eq!(profile.answers, Some(AnswerProfile::Label(vec![("x".into(), 3), ("y".into(), 1)])));
    assert_eq!((profile.n_train_rows, profile.n_test_rows, profile.leakage), (4, None, None));
}

#[test]
fn duplicates_conflicts_and_leakage() {
    let train = table("n,s,y\n1,a,0\n2,b,1\n1,a,0\n1,a,1\n2,c,1\n", "n:number s:text", "y:boolean");
    let test = table("n,s,y\n3,a,0\n2,b,0\n2.0,c,1\n", "n:number s:text", "y:boolean");
    let profile = profile(&train, Some(&test));
    assert_eq!((profile.duplicates.n_rows, profile.duplicates.n_conflicting), (2, 3));
    assert_eq!(profile.duplicates.examples, [(0, 2), (0, 3)]);
    assert_eq!(profile.duplicates.conflicting_examples, [(0, 3)]);
    let leakage = profile.leakage.unwrap();
    assert_eq!((leakage.n_rows, leakage.examples), (2, vec![(1, 1), (2, 4)]));
}

#[test]
fn labels_that_only_test_has_and_one_class() {
    let train = table("n,team\n1,a\n2,a\n", "n:number", "team:label");
    let test = table("n,team\n1,b\n2,c\n3,c\n4,a\n", "n:number", "team:label");
    let profile = profile(&train, Some(&test));
    let unseen: Vec<(Arc<str>, usize)> = vec![("c".into(), 2), ("b".into(), 1)];
    assert_eq!(profile.unseen_labels, unseen);
    assert!(profile.answers.unwrap().is_one_class());
    assert!(!profile.test_answers.unwrap().is_one_class());
}

#[test]
fn giveaways_are_found_and_honest_fields_are_not() {
    let mut csv = "copy,code,queue,honest,id,team\n".to_owned();
    for i in 0..120 {
        let team = ["app", "sales", "web"][i % 3];
        // The queue goes with the team, six queues to three teams.
        csv += &format!("{team},{},{},{},{i},{team}\n", i % 3 + 7, (i % 3) * 2 + i / 3 % 2, i % 4);
    }
    let fields = "copy:category code:number queue:category honest:number id:number";
    let found = profile(&table(&csv, fields, "team:label"), None).giveaways;
    let found: Vec<_> = found.iter().map(|g| (g.field.as_str(), g.kind)).collect();
    assert_eq!(
        found,
        [("copy", GiveawayKind::Equal), ("code", GiveawayKind::OneToOne), ("queue", GiveawayKind::Determines)]
    );
}

#[test]
fn linear_copies_of_numbers_are_found() {
    let csv: String = std::iter::once("celsius,noise,fahrenheit\n".to_owned())
        .chain((0..40).map(|i| format!("{i},{},{}\n", (i * 7919) % 41, f64::from(i) * 1.8 + 32.0)))
        .collect();
    let found = profile(&table(&csv, "celsius:number noise:number", "fahrenheit:number"), None).giveaways;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].field.as_str(), found[0].kind), ("celsius", GiveawayKind::Linear));
}
