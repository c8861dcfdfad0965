//! Models as bytes. The layout is described in this crate's README.

use std::sync::Arc;

use yw_task::{Field, FieldType};

use super::{Body, FitSummary, Model};
use crate::FormatError;
use crate::answers::AnswerInfo;
use crate::baseline::BaselineModel;
use crate::bytes::{Reader, Writer, checksum};
use crate::featurize::Featurizer;
use crate::linear::LinearModel;
use crate::nearest::NearestModel;

/// The first bytes of every model.
const MAGIC: [u8; 8] = *b"YWMODEL\n";

/// The one version of the layout that is written and read.
const VERSION: u32 = 1;

/// Magic, version, four zero bytes, length of the whole, checksum of what follows.
const HEADER_LEN: usize = 32;

const BASELINE: u8 = 0;
const LINEAR: u8 = 1;
const NEAREST: u8 = 2;

impl Model {
    /// The model as bytes. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.0.resize(HEADER_LEN, 0);
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
        }
        seal(out.0)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// *Errors*: bytes that are no model, of another version, cut off, or damaged. Memory is only taken for what the
    /// bytes hold.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, FormatError> {
        let mut from = Reader::new(unseal(bytes)?);
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
            _ => return Err(FormatError::Damaged { what: "the kind of model is unknown" }),
        };
        if !from.is_empty() {
            return Err(FormatError::Damaged { what: "something follows the model" });
        }
        Ok(Model { info, body })
    }
}

/// Fills in the header.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let (len, sum) = (bytes.len() as u64, checksum(&bytes[HEADER_LEN..]));
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&len.to_le_bytes());
    bytes[24..32].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks the header and returns what follows it.
fn unseal(bytes: &[u8]) -> Result<&[u8], FormatError> {
    let mut header = Reader::new(bytes);
    if !bytes.starts_with(&MAGIC) {
        return Err(FormatError::NotAModel);
    }
    let found = bytes.len() as u64;
    let cut_off = |_| FormatError::Length { expected: HEADER_LEN as u64, found };
    header.u64().map_err(cut_off)?;
    let version = header.u32().map_err(cut_off)?;
    if version != VERSION {
        return Err(FormatError::Version { found: version, supported: VERSION });
    }
    header.u32().map_err(cut_off)?;
    let expected = header.u64().map_err(cut_off)?;
    let sum = header.u64().map_err(cut_off)?;
    if expected != found {
        return Err(FormatError::Length { expected, found });
    }
    let content = &bytes[HEADER_LEN..];
    if checksum(content) == sum { Ok(content) } else { Err(FormatError::Checksum) }
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
