//! Keys of the gateway's clients: what they are recognised by, and what they may do.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use crate::database::WriteTransaction;
use crate::{Store, StoreError};

/// A client's key. The key itself is nowhere in the store, only its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRecord {
    /// The public id: short, and no secret.
    pub id: String,
    /// The name, which no other living key has.
    pub name: String,
    /// The hash by which the key is recognised.
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is not valid, if it was made so.
    pub expires: Option<Timestamp>,
    /// Since when it is not valid because somebody said so.
    pub revoked: Option<Timestamp>,
    /// What it may do: the gateway's business.
    pub spec: Value,
}

impl KeyRecord {
    /// Whether the key is valid at a time.
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.revoked.is_none_or(|revoked| at < revoked) && self.expires.is_none_or(|expires| at < expires)
    }
}

/// Keys of the gateway's clients.
impl Store {
    /// Keeps a new key; durable when it returns. A name of another key that is valid at the new one's creation, an id
    /// or a hash that is there already is [`StoreError::Exists`].
    pub async fn key_create(&self, key: &KeyRecord) -> Result<(), StoreError> {
        let mut write = self.database().write("the key").await?;
        // The name of a key that has expired is free again.
        sqlx::query("UPDATE keys SET revoked = expires WHERE name = ? AND revoked IS NULL AND expires <= ?")
            .bind(&key.name)
            .bind(key.created.as_microsecond())
            .execute(write.connection())
            .await
            .map_err(write.error())?;
        let done = sqlx::query(
            "INSERT INTO keys (id, name, hash, created, expires, revoked, spec) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.hash.as_slice())
        .bind(key.created.as_microsecond())
        .bind(key.expires.map(Timestamp::as_microsecond))
        .bind(key.revoked.map(Timestamp::as_microsecond))
        .bind(key.spec.to_string())
        .execute(write.connection())
        .await
        .map_err(write.error())?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Exists { what: "key", id: key.name.clone() });
        }
        write.commit().await
    }

    /// All keys, those that are no longer valid included, in the order in which they were made.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let rows: Vec<Columns> =
            sqlx::query_as("SELECT id, name, hash, created, expires, revoked, spec FROM keys ORDER BY created, id")
                .fetch_all(self.database().pool())
                .await
                .map_err(self.database().error("the keys"))?;
        rows.into_iter().map(|columns| self.key(columns)).collect()
    }

    /// Ends the validity of a key, named by its id or else its name, and returns it; durable when it returns. Without
    /// such a key, or if it is revoked already, this is [`StoreError::NotFound`].
    pub async fn key_revoke(&self, id_or_name: &str, at: Timestamp) -> Result<KeyRecord, StoreError> {
        let mut write = self.database().write("the key").await?;
        let Some(id) = living(&mut write, id_or_name).await? else {
            return Err(StoreError::NotFound { what: "living key", id: id_or_name.to_owned() });
        };
        let columns = revoke(write.connection(), &id, at).await.map_err(write.error())?;
        let key = self.key(columns)?;
        write.commit().await?;
        Ok(key)
    }

    /// A number that grows with every change of any key, in whatever process. Cheap enough to ask every second.
    pub async fn keys_version(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT version FROM keys_version")
            .fetch_one(self.database().pool())
            .await
            .map_err(self.database().error("the keys"))
    }

    fn key(&self, columns: Columns) -> Result<KeyRecord, StoreError> {
        let (id, name, hash, created, expires, revoked, spec) = columns;
        let time = |micros| self.database().timestamp(micros);
        Ok(KeyRecord {
            hash: hash.try_into().map_err(|_| StoreError::Damaged {
                path: self.state_dir().to_owned(),
                detail: format!("the hash of the key {id} is not one"),
            })?,
            created: time(created)?,
            expires: expires.map(time).transpose()?,
            revoked: revoked.map(time).transpose()?,
            spec: serde_json::from_str(&spec).map_err(|e| StoreError::Record {
                what: "key",
                id: id.clone(),
                source: e.into(),
            })?,
            id,
            name,
        })
    }
}

type Columns = (String, String, Vec<u8>, i64, Option<i64>, Option<i64>, String);

/// The id of the key that is meant and was not revoked.
async fn living(write: &mut WriteTransaction<'_>, id_or_name: &str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("SELECT id FROM keys WHERE (id = ?1 OR name = ?1) AND revoked IS NULL ORDER BY id = ?1 DESC")
        .bind(id_or_name)
        .fetch_optional(write.connection())
        .await
        .map_err(write.error())
}

async fn revoke(connection: &mut SqliteConnection, id: &str, at: Timestamp) -> Result<Columns, sqlx::Error> {
    sqlx::query_as("UPDATE keys SET revoked = ? WHERE id = ? RETURNING id, name, hash, created, expires, revoked, spec")
        .bind(at.as_microsecond())
        .bind(id)
        .fetch_one(connection)
        .await
}
