//! Which crate may depend on which.

use std::path::PathBuf;

use cargo_metadata::{DependencyKind, Metadata};

/// A crate of the workspace with what it depends on.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    /// Names of normal and build dependencies.
    pub(crate) dependencies: Vec<String>,
}

/// Every crate by layer, lowest first. An edge goes from a higher layer to a lower one, or stays within the same layer
/// where [`WITHIN_LAYER`] names it.
const LAYERS: [(&str, &[&str]); 6] = [
    ("vocabulary", &["yw-task"]),
    ("engines", &["yw-kernels", "yw-stats", "yw-learn", "yw-trees", "yw-llm"]),
    ("project file", &["yw-config"]),
    ("services", &["yw-table", "yw-store", "yw-gateway", "yw-arena"]),
    ("edges", &["yw-report", "yw-server", "yellowwood"]),
    ("automation", &["yw-testkit", "xtask"]),
];

/// The edges that are allowed inside a layer.
const WITHIN_LAYER: &[(&str, &str)] = &[
    ("yw-learn", "yw-kernels"),
    ("yw-learn", "yw-trees"),
    ("yw-stats", "yw-kernels"),
    ("yw-trees", "yw-kernels"),
    ("yw-arena", "yw-table"),
    ("yw-arena", "yw-store"),
    ("yw-arena", "yw-gateway"),
    ("yw-server", "yw-report"),
    ("yellowwood", "yw-report"),
    ("yellowwood", "yw-server"),
];

/// Edges that point down and are forbidden all the same, with the invariant they break.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("yw-stats", "yw-task", "yw-stats compares arrays of numbers and knows no model"),
    ("yw-config", "yw-kernels", "yw-config never sees an engine"),
    ("yw-config", "yw-stats", "yw-config never sees an engine"),
    ("yw-config", "yw-learn", "yw-config never sees an engine"),
    ("yw-config", "yw-trees", "yw-config never sees an engine"),
    ("yw-config", "yw-llm", "yw-config never sees an engine"),
    ("yw-table", "yw-config", "nothing below the arena knows the project file"),
    ("yw-store", "yw-config", "nothing below the arena knows the project file"),
    ("yw-gateway", "yw-config", "nothing below the arena knows the project file"),
];

/// Third-party crates that only some of ours may know.
const ONLY: &[(&str, &[&str], &str)] = &[
    ("axum", &["yw-server"], "only yw-server knows HTTP serving"),
    ("sqlx", &["yw-store"], "only yw-store knows SQL databases"),
    ("datafusion", &["yw-sql"], "only yw-sql may know DataFusion"),
    ("clap", &["yellowwood"], "only yellowwood knows the terminal"),
    ("miette", &["yellowwood"], "only yellowwood knows the terminal"),
    ("indicatif", &["yellowwood"], "only yellowwood knows the terminal"),
    ("comfy-table", &["yellowwood"], "only yellowwood knows the terminal"),
    ("tantivy", &["yw-library"], "only yw-library knows index engines"),
    ("usearch", &["yw-library"], "only yw-library knows index engines"),
    (
        "toml",
        &["yw-config", "yw-llm", "yellowwood"],
        "only yw-config reads the project file, only yw-llm the price table, only yellowwood what other gateways have",
    ),
    ("reqwest", &["yw-gateway", "yw-table"], "only yw-gateway calls providers, only yw-table reaches object stores"),
];

/// What no engine may know: engines are synchronous and deterministic.
const NOT_IN_ENGINES: &[&str] = &["tokio", "futures", "reqwest", "hyper", "async-trait", "sqlx", "object_store"];

/// The workspace's crates.
pub(crate) fn workspace(metadata: &Metadata) -> Vec<Package> {
    let package = |p: &&cargo_metadata::Package| Package {
        name: p.name.to_string(),
        dir: p.manifest_path.parent().map(|d| d.as_std_path().to_owned()).unwrap_or_default(),
        dependencies: p
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development)
            .map(|d| d.name.clone())
            .collect(),
    };
    metadata.workspace_packages().iter().map(package).collect()
}

/// Every edge that breaks an invariant, as `from -> to: why`.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        let Some(rank) = rank(&package.name) else {
            violations.push(format!("{}: in no layer; name it in xtask/src/tidy/layers.rs", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if let Some(why) = broken(package, rank, dependency) {
                violations.push(format!("{} -> {dependency}: {why}", package.name));
            }
        }
    }
    violations
}

fn broken(package: &Package, rank: usize, dependency: &str) -> Option<String> {
    let name = package.name.as_str();
    if dependency == "yw-testkit" {
        return Some("yw-testkit is for tests only; make it a dev-dependency".to_owned());
    }
    if let Some((_, _, why)) = FORBIDDEN.iter().find(|(from, to, _)| (*from, *to) == (name, dependency)) {
        return Some((*why).to_owned());
    }
    if let Some((_, may, why)) = ONLY.iter().find(|(crate_name, _, _)| *crate_name == dependency)
        && !may.contains(&name)
    {
        return Some((*why).to_owned());
    }
    if LAYERS[rank].0 == "engines" && NOT_IN_ENGINES.contains(&dependency) {
        return Some("engines are synchronous and know no network".to_owned());
    }
    let below = self::rank(dependency)?;
    let allowed = below < rank || WITHIN_LAYER.contains(&(name, dependency));
    (!allowed).then(|| format!("{} may not look at {}", LAYERS[rank].0, LAYERS[below].0))
}

fn rank(name: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, crates)| crates.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_edge(from: &str, to: &str, expect: &[&str]) {
        let package = Package { name: from.into(), dir: PathBuf::new(), dependencies: vec![to.into()] };
        assert_eq!(check(&[package]), expect, "{from} -> {to}");
    }

    #[test]
    fn offending_edges_are_named() {
        check_edge("yw-arena", "yw-stats", &[]);
        check_edge("yw-arena", "yw-gateway", &[]);
        check_edge("yw-gateway", "axum", &["yw-gateway -> axum: only yw-server knows HTTP serving"]);
        check_edge("yw-learn", "tokio", &["yw-learn -> tokio: engines are synchronous and know no network"]);
        check_edge(
            "yw-stats",
            "yw-task",
            &["yw-stats -> yw-task: yw-stats compares arrays of numbers and knows no model"],
        );
        check_edge("yw-table", "yw-arena", &["yw-table -> yw-arena: services may not look at services"]);
        check_edge("yw-learn", "yw-store", &["yw-learn -> yw-store: engines may not look at services"]);
        check_edge("yw-config", "yw-learn", &["yw-config -> yw-learn: yw-config never sees an engine"]);
        check_edge("yw-new", "serde", &["yw-new: in no layer; name it in xtask/src/tidy/layers.rs"]);
        check_edge(
            "yw-server",
            "yw-testkit",
            &["yw-server -> yw-testkit: yw-testkit is for tests only; make it a dev-dependency"],
        );
    }
}
