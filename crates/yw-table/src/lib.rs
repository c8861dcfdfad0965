//! Tables: from files and object stores to typed rows, looked at and split.
//!
//! A [`Source`] says where rows come from (files, globs, `s3://`, `gs://`, `az://`, `https://`; CSV, JSON lines or
//! Parquet; plain, gzip or zstd), a [`TableSpec`] which columns to read as what. [`read()`] gives a [`Table`] in memory,
//! [`stream()`] the same rows batch by batch in bounded memory. A cell that is not of its type makes its row a
//! [`Problem`] with file, line and column; the other rows are read on.
//!
//! ```
//! use yw_table::{AnswerColumn, Source, TableSpec};
//! use yw_task::{AnswerKind, Field, FieldType};
//!
//! # let folder = tempfile::tempdir()?;
//! # let base_dir = folder.path();
//! std::fs::write(base_dir.join("train.csv"), "seats,team\n3,sales\nmany,billing\n40,sales\n")?;
//! let source = Source::new(base_dir, "*.csv");
//! let spec = TableSpec {
//!     fields: [Field::new("seats", FieldType::Number)].into(),
//!     answer: Some(AnswerColumn::new("team", AnswerKind::Label)),
//!     extra: Vec::new(),
//! };
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let table = yw_table::read(&source, &spec).await?;
//! assert_eq!(table.n_rows(), 2);
//! assert_eq!(table.problems.shown()[0].to_string(), "train.csv line 3, column `seats`: `many` is not a number");
//! # Ok::<(), yw_table::TableError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Cells
//!
//! All formats mean the same by a cell, and declared types win over what values look like:
//!
//! | field | accepted | missing |
//! |---|---|---|
//! | number | finite decimal numbers, white space around them ignored; booleans as 1 and 0 | empty, `NA`, `NaN`, `N/A`, `null`, `none` in any case |
//! | boolean | `true` `t` `yes` `y` `1`, `false` `f` `no` `n` `0` in any case | as for numbers |
//! | time | RFC 3339; `2024-05-31`, `2024-05-31 08:30[:15[.5]]`, UTC where no zone is given; Unix seconds to nanoseconds, told apart by size | as for numbers |
//! | category | any text, white space around it removed | empty |
//! | text | any text as it stands, the empty one too | null in JSON and Parquet |
//!
//! An answer is read like a field of its kind, but an empty text is a missing answer, and a row without answer is left
//! out. JSON answers are objects, or texts that hold one.
//!
//! # The whole
//!
//! [`profile()`] looks for what is wrong with a table as a whole (duplicates, leakage, constant fields), [`split()`]
//! divides it into training and test rows, and [`AnswerWriter`] writes answers beside the rows they answer.
//!
//! Not here: the project file (`yw-config`), features (`yw-learn`), SQL.

mod address;
mod batch;
mod cell;
mod cursor;
mod error;
mod hash;
mod infer;
mod near;
mod open;
mod problem;
mod profile;
mod scan;
mod source;
mod split;
mod stream;
mod table;
mod truth;
mod write;

pub use batch::Batch;
pub use cell::parse_time;
pub use cursor::JSON_ENCODED;
pub use error::{MissingColumn, Near, TableError};
pub use infer::{InferredColumn, infer};
pub use problem::{Place, Problem, ProblemKind, Problems};
pub use profile::{
    AnswerProfile, Duplicates, FieldProfile, Giveaway, GiveawayKind, Leakage, NumberSummary, Profile, profile,
};
pub use source::{AnswerColumn, FileFormat, FileInfo, Source, TableSpec};
pub use split::{Split, SplitBy, SplitError, SplitSpec, group_ids, split};
pub use stream::{BatchStream, stream};
pub use table::{Table, read};
pub use truth::align;
pub use write::{AnswerWriter, WriteError};
