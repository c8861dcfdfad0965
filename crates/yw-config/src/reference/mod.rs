//! The reference page and the JSON schema of the project file, made from the grammar.

mod markdown;
mod schema;

pub use markdown::markdown;
pub use schema::json_schema;
