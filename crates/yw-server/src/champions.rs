//! The versions that answer, and how a promotion reaches a running server.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use yw_arena::{ARTIFACT_FORMAT, Asking, LoadError, LoadedPredictor};
use yw_store::{Champion, Store, StoreError};

/// How often promotions by other processes are looked for.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// A version that answers a task.
pub(crate) struct Version {
    pub(crate) champion: Champion,
    pub(crate) loaded: LoadedPredictor,
}

/// The present version of every served task; none where there is no champion, or it cannot be loaded.
#[derive(Clone)]
pub(crate) struct Champions {
    versions: Arc<RwLock<Versions>>,
    asking: Asking,
}

type Versions = BTreeMap<String, Option<Arc<Version>>>;

/// Why a champion cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum ChampionError {
    /// The store has it no more, or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its files give no predictor.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Champions {
    pub(crate) async fn open(tasks: Vec<String>, store: &Store, asking: &Asking) -> Result<Self, StoreError> {
        let versions: Versions = tasks.into_iter().map(|task| (task, None)).collect();
        let champions = Champions { versions: Arc::new(RwLock::new(versions)), asking: asking.clone() };
        champions.refresh(store).await?;
        Ok(champions)
    }

    /// The version that answers `task`: outer none if the task is not served, inner none if nothing answers it.
    pub(crate) fn get(&self, task: &str) -> Option<Option<Arc<Version>>> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(task).cloned()
    }

    /// Every served task with its version.
    pub(crate) fn all(&self) -> Versions {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads what was promoted since, whenever something was.
    pub(crate) async fn follow(&self, store: &Store) {
        let mut seen = store.champions_generation().await.unwrap_or(-1);
        let mut tick = tokio::time::interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let generation = match store.champions_generation().await {
                Ok(generation) if generation != seen => generation,
                Ok(_) => continue,
                Err(e) => {
                    tracing::warn!(error = &e as &dyn std::error::Error, "cannot look for promotions");
                    continue;
                }
            };
            match self.refresh(store).await {
                Ok(()) => seen = generation,
                Err(e) => tracing::warn!(error = &e as &dyn std::error::Error, "cannot read the champions"),
            }
        }
    }

    /// Brings every task to its present champion. One that cannot be loaded leaves the version before it in place.
    async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        for (task, current) in self.all() {
            let Some(champion) = store.champion(&task).await? else { continue };
            if current.as_ref().is_some_and(|v| v.champion.artifact == champion.artifact) {
                continue;
            }
            match self.load(store, champion).await {
                Ok(version) => {
                    tracing::info!(task, candidate = version.champion.candidate, "this version answers now");
                    let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
                    versions.insert(task, Some(Arc::new(version)));
                }
                Err(e) => {
                    let stays = if current.is_some() { "the version before it stays" } else { "nothing answers" };
                    tracing::error!(
                        task,
                        error = &e as &dyn std::error::Error,
                        "the champion cannot be loaded; {stays}"
                    );
                }
            }
        }
        Ok(())
    }

    async fn load(&self, store: &Store, champion: Champion) -> Result<Version, ChampionError> {
        let dir = store.artifact(&champion.artifact).await?;
        dir.require_format(ARTIFACT_FORMAT)?;
        let asking = self.asking.clone();
        // Reading and indexing a large model takes a while; requests go on meanwhile.
        let loaded = tokio::task::spawn_blocking(move || yw_arena::load(&dir.path, &asking)).await;
        let loaded = loaded.unwrap_or_else(|e| std::panic::resume_unwind(e.into_panic()))?;
        Ok(Version { champion, loaded })
    }
}
