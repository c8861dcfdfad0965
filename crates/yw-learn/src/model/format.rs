//! Models as bytes. The layout is described in this crate's README.

use std::sync::Arc;

use yw_task::{Field, FieldType};

use super::{Body, FitSummary, Model};
use crate::FormatError;
use crate::answers::AnswerInfo;
use crate::baseline::BaselineModel;
use crate::bytes::{Header, Reader, Writer};
use crate::featurize::Featurizer;
use crate::linear::LinearModel;
use crate::nearest::NearestModel;
use crate::trees::TreesModel;

/// Version 2 added the mean answers of category levels, version 3 the means of linear models' features.
const HEADER: Header = Header { magic: *b"YWMODEL\n", version: 3 };

const BASELINE: u8 = 0;
const LINEAR: u8 = 1;
const NEAREST: u8 = 2;
const TREES: u8 = 3;

impl Model {
    /// The model as bytes. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_header_space();
        self.info.write(&mut out);
        write_fields(self.fields(), &mut out);
        match &self.body {
            Body::Baseline(model) => {
                out.u8(BASELINE);
                model.write(&mut out);
            }
            Body::Linear(model) => {
                out.u8(LINEAR);
                model.write(&mut out);
            }
            Body::Nearest(model) => {
                out.u8(NEAREST);
                model.write(&mut out);
            }
            Body::Trees(model) => {
                out.u8(TREES);
                model.write(&mut out);
            }
        }
        HEADER.seal(out)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// *Errors*: bytes that are no model, of a later version, cut off, or damaged. Memory is only taken for what the
    /// bytes hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, FormatError> {
        let mut from = HEADER.open(bytes)?;
        let info = AnswerInfo::read(&mut from)?;
        let fields = read_fields(&mut from)?;
        let body = match from.u8()? {
            BASELINE => Body::Baseline(BaselineModel::read(&mut from, fields, &info)?),
            LINEAR => {
                let featurizer = Featurizer::read(&mut from, fields)?;
                Body::Linear(LinearModel::read(&mut from, featurizer, &info)?)
            }
            NEAREST => {
                let featurizer = Featurizer::read(&mut from, fields)?;
                Body::Nearest(NearestModel::read(&mut from, featurizer, &info)?)
            }
            TREES => Body::Trees(Box::new(TreesModel::read(&mut from, fields, &info)?)),
            _ => return Err(FormatError::Damaged { what: "the kind of model is unknown" }),
        };
        if !from.is_empty() {
            return Err(FormatError::Damaged { what: "something follows the model" });
        }
        Ok(Model { info, body })
    }
}

fn write_fields(fields: &[Field], out: &mut Writer) {
    out.len(fields.len());
    for field in fields {
        out.str(&field.name);
        let code = FieldType::ALL.iter().position(|t| *t == field.field_type).unwrap_or_default();
        out.u8(code as u8);
    }
}

fn read_fields(from: &mut Reader<'_>) -> Result<Arc<[Field]>, FormatError> {
    let n_fields = from.len(9)?;
    let read_field = |_| {
        let name = from.str()?;
        let field_type = FieldType::ALL.get(usize::from(from.u8()?)).copied();
        Ok(Field::new(name, field_type.ok_or(FormatError::Damaged { what: "the type of a field is unknown" })?))
    };
    (0..n_fields).map(read_field).collect()
}

impl FitSummary {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.u64(self.n_features as u64);
        out.u64(self.iterations as u64);
        out.bool(self.converged);
        out.f64(self.l2.unwrap_or(0.0));
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (n_features, iterations) = (from.u64()? as usize, from.u64()? as usize);
        let (converged, l2) = (from.bool()?, from.f64()?);
        Ok(FitSummary { n_features, iterations, converged, l2: (l2 > 0.0).then_some(l2) })
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
