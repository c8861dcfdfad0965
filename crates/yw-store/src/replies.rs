//! Paid replies of providers: bytes under a key, durable when the put returns.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::database::Database;
use crate::{Store, StoreError};

/// Hands puts to the one task that writes them.
#[derive(Debug)]
pub(crate) struct ReplyWriter(mpsc::Sender<Put>);

#[derive(Debug)]
struct Put {
    key: [u8; 32],
    reply: Vec<u8>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The most puts in one transaction, and the most that wait for the next.
const BATCH: usize = 256;

impl ReplyWriter {
    /// Starts the task; it ends when the writer is dropped, after the puts it has accepted.
    pub(crate) fn start(database: Arc<Database>) -> Self {
        let (sender, puts) = mpsc::channel(BATCH);
        tokio::spawn(write_batches(database, puts));
        ReplyWriter(sender)
    }
}

/// Replies.
impl Store {
    /// The reply under a key.
    pub async fn replies_get(&self, key: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT reply FROM replies WHERE key = ?")
            .bind(key.as_slice())
            .fetch_optional(self.database().pool())
            .await
            .map_err(self.database().error("a paid reply"))
    }

    /// Keeps a reply, in place of an earlier one under the same key; durable against power loss when it returns.
    ///
    /// Concurrent puts share a transaction, so that many cost little more than one. A put that was begun happens even
    /// if its future is dropped.
    pub async fn replies_put(&self, key: &[u8; 32], reply: &[u8]) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        let put = Put { key: *key, reply: reply.to_vec(), done };
        let stopped = || StoreError::Database {
            path: self.state_dir().to_owned(),
            doing: "a paid reply",
            source: "the program is shutting down".into(),
        };
        self.reply_writer().0.send(put).await.map_err(|_| stopped())?;
        result.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// One transaction for all puts that came while the last one was written.
async fn write_batches(database: Arc<Database>, mut puts: mpsc::Receiver<Put>) {
    let mut batch = Vec::with_capacity(BATCH);
    while puts.recv_many(&mut batch, BATCH).await > 0 {
        let written = write(&database, &batch).await;
        for put in batch.drain(..) {
            let result = match written {
                Ok(()) => Ok(()),
                // Alone, each gets its own error, and one that is too large for the disk does not fail the others.
                Err(_) => write(&database, std::slice::from_ref(&put)).await,
            };
            // Where the caller has gone, the reply is kept all the same.
            let _ = put.done.send(result);
        }
    }
}

async fn write(database: &Database, batch: &[Put]) -> Result<(), StoreError> {
    let mut write = database.write("a paid reply").await?;
    for put in batch {
        sqlx::query(
            "INSERT INTO replies (key, reply, at) VALUES (?, ?, ?)
             ON CONFLICT (key) DO UPDATE SET reply = excluded.reply, at = excluded.at",
        )
        .bind(put.key.as_slice())
        .bind(put.reply.as_slice())
        .bind(Timestamp::now().as_microsecond())
        .execute(write.connection())
        .await
        .map_err(write.error())?;
    }
    write.commit().await
}
