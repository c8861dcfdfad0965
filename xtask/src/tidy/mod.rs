//! `cargo xtask tidy`: the invariants of ARCHITECTURE.md, proved from `cargo metadata` and the sources.

mod files;
mod layers;

use std::path::Path;

use cargo_metadata::MetadataCommand;

/// Runs every check; the error lists every violation.
pub(crate) fn run(root: &Path) -> Result<String, String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .exec()
        .map_err(|e| format!("cargo metadata failed: {e}"))?;
    let packages = layers::workspace(&metadata);
    let mut violations = layers::check(&packages);
    violations.extend(files::check(root, &packages));
    match violations.len() {
        0 => Ok(format!("tidy: {} crates keep the house rules", packages.len())),
        n => Err(format!("tidy: {n} violations\n  {}", violations.join("\n  "))),
    }
}
