//! The project that `yw init` writes.

/// A commented minimal project of this name: valid as it stands, and useful once its data is in place.
///
/// The name may be anything.
pub fn template(name: &str) -> String {
    let name = toml::Value::from(name).to_string();
    include_str!("template.toml").replace("\"NAME\"", &name)
}
