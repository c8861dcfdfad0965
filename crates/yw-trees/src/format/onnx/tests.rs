use std::collections::HashMap;

use proptest::prelude::*;

use crate::format::random::{ensembles, rows};
use crate::{Ensemble, Link};

/// The fields of a message: number and content, where varints and floats are their bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let content = match key & 7 {
            0 => varint(&mut bytes).to_le_bytes().to_vec(),
            kind => {
                let len = if kind == 5 { 4 } else { varint(&mut bytes) as usize };
                let (content, rest) = bytes.split_at(len);
                bytes = rest;
                content.to_vec()
            }
        };
        fields.push((key >> 3, content));
    }
    fields
}

fn all(message: &[u8], field: u64) -> Vec<Vec<u8>> {
    fields(message).into_iter().filter(|(number, _)| *number == field).map(|(_, content)| content).collect()
}

fn one(message: &[u8], field: u64) -> Vec<u8> {
    all(message, field).remove(0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A tree operator, as a runtime without any of our code would evaluate it.
struct Operator {
    op_type: String,
    attributes: HashMap<String, Vec<u8>>,
}

impl Operator {
    fn of(model: &[u8]) -> Operator {
        let node = one(&one(model, 7), 1);
        let attributes = all(&node, 5).into_iter().map(|attribute| (text(&one(&attribute, 1)), attribute)).collect();
        Operator { op_type: text(&one(&node, 4)), attributes }
    }

    fn ints(&self, name: &str) -> Vec<i64> {
        all(&self.attributes[name], 8).iter().map(|b| i64::from_le_bytes(b[..].try_into().unwrap())).collect()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        all(&self.attributes[name], 7).iter().map(|b| f32::from_le_bytes(b[..].try_into().unwrap())).collect()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        all(&self.attributes[name], 9).iter().map(|b| text(b)).collect()
    }

    /// The node of each tree that a row ends in.
    fn leaves(&self, row: &[f32]) -> Vec<(i64, i64)> {
        let (trees, ids) = (self.ints("nodes_treeids"), self.ints("nodes_nodeids"));
        let at: HashMap<(i64, i64), usize> = trees.iter().copied().zip(ids).zip(0..).collect();
        let (modes, values, features) =
            (self.texts("nodes_modes"), self.floats("nodes_values"), self.ints("nodes_featureids"));
        let (trues, falses) = (self.ints("nodes_truenodeids"), self.ints("nodes_falsenodeids"));
        let missing = self.ints("nodes_missing_value_tracks_true");
        let mut leaves = Vec::new();
        for tree in 0..=*trees.last().unwrap() {
            let mut id = 0;
            loop {
                let node = at[&(tree, id)];
                let value = row[features[node] as usize];
                let holds = match modes[node].as_str() {
                    "LEAF" => break,
                    _ if value.is_nan() => missing[node] == 1,
                    "BRANCH_LEQ" => value <= values[node],
                    "BRANCH_EQ" => value == values[node],
                    mode => panic!("{mode}"),
                };
                id = if holds { trues[node] } else { falses[node] };
            }
            leaves.push((tree, id));
        }
        leaves
    }

    /// The sums of leaf values by output or class.
    fn scores(&self, row: &[f32]) -> Vec<f64> {
        let prefix = if self.op_type == "TreeEnsembleRegressor" { "target" } else { "class" };
        let leaves = self.leaves(row);
        let (trees, nodes) = (self.ints(&format!("{prefix}_treeids")), self.ints(&format!("{prefix}_nodeids")));
        let (outputs, weights) = (self.ints(&format!("{prefix}_ids")), self.floats(&format!("{prefix}_weights")));
        let mut scores = vec![0.0; 1 + *outputs.iter().max().unwrap() as usize];
        for (i, weight) in weights.into_iter().enumerate() {
            if leaves[trees[i] as usize].1 == nodes[i] {
                scores[outputs[i] as usize] += f64::from(weight);
            }
        }
        scores
    }
}

fn check(ensemble: &Ensemble, row: &[f32]) {
    let operator = Operator::of(&ensemble.to_onnx().unwrap());
    let expect = ensemble.margins(|feature| f64::from(row[feature as usize]));
    let scores = operator.scores(row);
    let halves = |difference: f64| vec![-0.5 * difference, 0.5 * difference];
    let expect = match (ensemble.link, expect.as_slice()) {
        (Link::Logistic, [margin]) => halves(*margin),
        (Link::Softmax, [first, second]) => halves(second - first),
        _ => expect,
    };
    assert_eq!(scores.len(), expect.len());
    for (score, expect) in scores.iter().zip(&expect) {
        assert!((score - expect).abs() <= 1e-6, "{score} instead of {expect}");
    }
}

proptest! {
    #[test]
    fn every_ensemble_says_the_same_as_onnx(ensemble in ensembles(false), row in rows()) {
        check(&ensemble, &row);
    }
}
