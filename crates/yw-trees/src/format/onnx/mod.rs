//! From our model to ONNX: a tree ensemble of the `ai.onnx.ml` operators, which have no reader here.

mod nodes;
mod protobuf;

use nodes::NodeArrays;
use protobuf::Message;

use super::ExportError;
use super::export::check_exportable;
use super::value::write_json_text;
use crate::{Ensemble, Link};

const FORMAT: &str = "ONNX";

/// Versions of the file and of the two sets of operators, old enough for every runtime since 2021.
const IR_VERSION: i64 = 7;
const OPSET: i64 = 13;
const ML_OPSET: i64 = 3;

/// `TensorProto.DataType` of inputs and outputs.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// `AttributeProto.AttributeType`.
const TYPE_INT: i64 = 2;
const TYPE_TEXT: i64 = 3;
const TYPE_FLOATS: i64 = 6;
const TYPE_INTS: i64 = 7;
const TYPE_TEXTS: i64 = 8;

impl Ensemble {
    /// The ensemble as an ONNX model.
    ///
    /// *Shapes*: the input `features` is `[n_rows, n_features]` in `f32`: NaN where a value is missing, the number of the
    /// level for a category. Classifiers give `label` (`[n_rows]`, the number of the class) and `probabilities`
    /// (`[n_rows, n_classes]`); others give `prediction` (`[n_rows, n_outputs]`).
    ///
    /// Leaf values become single precision, thresholds such that every `f32` stays on its side. A split by category is a
    /// chain of nodes, one per level of its set.
    ///
    /// *Errors*: what ONNX cannot express, and category splits with millions of levels.
    pub fn to_onnx(&self) -> Result<Vec<u8>, ExportError> {
        check_exportable(self, FORMAT)?;
        let nodes = NodeArrays::new(self)?;
        let n_features = self.features.len() as i64;
        let n_outputs = self.n_outputs() as i64;
        let margin = || regressor(self, &nodes, "margin");
        let plain = |name, inputs, outputs| operator(name, "", inputs, outputs);
        let predictions = || vec![tensor("prediction", FLOAT, Some(n_outputs))];
        let classes = || vec![tensor("label", INT64, None), tensor("probabilities", FLOAT, Some(n_outputs.max(2)))];
        let (operators, outputs) = match (self.link, n_outputs) {
            (Link::Identity, _) => (vec![regressor(self, &nodes, "prediction")], predictions()),
            (Link::Exp, _) => (vec![margin(), plain("Exp", &["margin"], &["prediction"])], predictions()),
            (Link::Softmax, _) | (Link::Logistic, 1) => (vec![classifier(self, &nodes)], classes()),
            (Link::Logistic, _) => {
                let sigmoid = plain("Sigmoid", &["margin"], &["probabilities"]);
                let label = plain("ArgMax", &["margin"], &["label"]);
                (vec![margin(), sigmoid, label.message(5, int("axis", 1)).message(5, int("keepdims", 0))], classes())
            }
        };
        let graph = Message::default()
            .messages(1, operators)
            .text(2, "trees")
            .message(11, tensor("features", FLOAT, Some(n_features)))
            .messages(12, outputs);
        let mut names = String::from("[");
        for (idx, feature) in self.features.iter().enumerate() {
            names.push_str(if idx == 0 { "" } else { "," });
            write_json_text(&feature.name, &mut names);
        }
        names.push(']');
        let model = Message::default()
            .int(1, IR_VERSION)
            .text(2, "yellowwood")
            .message(7, graph)
            .message(8, Message::default().text(1, "").int(2, OPSET))
            .message(8, Message::default().text(1, "ai.onnx.ml").int(2, ML_OPSET))
            .message(14, Message::default().text(1, "feature_names").text(2, &names));
        Ok(model.finish())
    }
}

/// Margins, all outputs of a row.
fn regressor(ensemble: &Ensemble, nodes: &NodeArrays, output: &str) -> Message {
    nodes
        .attributes(operator("TreeEnsembleRegressor", "ai.onnx.ml", &["features"], &[output]))
        .message(5, ints("target_treeids", &nodes.leaf_trees))
        .message(5, ints("target_nodeids", &nodes.leaf_nodes))
        .message(5, ints("target_ids", &nodes.leaf_outputs))
        .message(5, floats("target_weights", &nodes.leaf_values))
        .message(5, int("n_targets", ensemble.n_outputs() as i64))
        .message(5, text("post_transform", "NONE"))
}

/// Label and probabilities of classes that are a softmax, or of two that are one logistic margin.
///
/// Of two classes, onnxruntime takes the second for the label when its score is positive, whatever the other's is. So both
/// get half the difference of the margins, once with each sign: the softmax is the same, and the sign tells the label.
fn classifier(ensemble: &Ensemble, nodes: &NodeArrays) -> Message {
    let n_classes = ensemble.n_outputs().max(2) as i64;
    // One margin alone is that of the second class.
    let class_of = |output: &i64| if ensemble.n_outputs() == 1 { 1 } else { *output };
    let own_classes: Vec<i64> = nodes.leaf_outputs.iter().map(class_of).collect();
    let (mut trees, mut ids) = (nodes.leaf_trees.clone(), nodes.leaf_nodes.clone());
    let (mut classes, mut weights) = (own_classes, nodes.leaf_values.clone());
    if n_classes == 2 {
        trees.extend_from_within(..);
        ids.extend_from_within(..);
        classes.extend(classes.clone().iter().map(|class| 1 - class));
        weights.iter_mut().for_each(|weight| *weight *= 0.5);
        weights.extend(weights.clone().iter().map(|weight| -weight));
    }
    nodes
        .attributes(operator("TreeEnsembleClassifier", "ai.onnx.ml", &["features"], &["label", "probabilities"]))
        .message(5, ints("class_treeids", &trees))
        .message(5, ints("class_nodeids", &ids))
        .message(5, ints("class_ids", &classes))
        .message(5, floats("class_weights", &weights))
        .message(5, ints("classlabels_int64s", &(0..n_classes).collect::<Vec<_>>()))
        .message(5, text("post_transform", "SOFTMAX"))
}

/// A `NodeProto`, to which attributes may be added.
fn operator(op_type: &str, domain: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let message = inputs.iter().fold(Message::default(), |message, input| message.text(1, input));
    let message = outputs.iter().fold(message, |message, output| message.text(2, output));
    message.text(3, op_type).text(4, op_type).text(7, domain)
}

/// A `ValueInfoProto`: any number of rows, and columns if there are any.
fn tensor(name: &str, data_type: i64, n_columns: Option<i64>) -> Message {
    let rows = Message::default().text(2, "n_rows");
    let columns = n_columns.map(|n_columns| Message::default().int(1, n_columns));
    let shape = Message::default().message(1, rows).messages(1, columns);
    let tensor = Message::default().int(1, data_type).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

fn int(name: &str, value: i64) -> Message {
    Message::default().text(1, name).int(3, value).int(20, TYPE_INT)
}

fn text(name: &str, value: &str) -> Message {
    Message::default().text(1, name).text(4, value).int(20, TYPE_TEXT)
}

fn floats(name: &str, values: &[f32]) -> Message {
    values.iter().fold(Message::default().text(1, name), |message, value| message.float(7, *value)).int(20, TYPE_FLOATS)
}

fn ints(name: &str, values: &[i64]) -> Message {
    values.iter().fold(Message::default().text(1, name), |message, value| message.int(8, *value)).int(20, TYPE_INTS)
}

fn texts(name: &str, values: &[&str]) -> Message {
    values.iter().fold(Message::default().text(1, name), |message, value| message.text(9, value)).int(20, TYPE_TEXTS)
}

#[cfg(test)]
mod tests;
