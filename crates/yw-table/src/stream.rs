//! Tables of any size, batch by batch.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::scan::{Kept, Scan};
use crate::{Batch, Source, TableError, TableSpec};

/// Batches that may wait for their reader.
const BATCHES_AHEAD: usize = 2;

/// Reads a table of any size in batches of `batch_rows` rows, holding a handful of batches in memory.
///
/// Only the fields of `spec` are read; `originals` asks for all columns of the files besides, for passing them through.
/// A batch never spans two files, so the last one of each may be shorter. What can be known before the first batch
/// (missing files, missing columns) is an error of this call, the rest an item of the stream, which then ends.
/// Dropping the stream stops the reading.
pub async fn stream(
    source: &Source,
    spec: &TableSpec,
    batch_rows: usize,
    originals: bool,
) -> Result<BatchStream, TableError> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let (source, spec) = (source.clone(), TableSpec::unlabelled(spec.fields.clone()));
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let scan = Scan { source: &source, spec: &spec, batch_rows: batch_rows.max(1), originals };
        let mut sink = |batch| sender.blocking_send(Message::Batch(batch)).is_ok();
        // A receiver that is gone wants no last word.
        let _ = match scan.run(&runtime, &mut Kept::default(), &mut sink) {
            Ok(_) => sender.blocking_send(Message::End),
            Err(error) => sender.blocking_send(Message::Failed(error)),
        };
    });
    let mut stream = BatchStream { receiver, first: None, ended: false };
    match stream.receiver.recv().await {
        Some(Message::Failed(error)) => return Err(error),
        first => stream.first = first,
    }
    Ok(stream)
}

/// The batches of a table, in order. Made by [`stream`].
pub struct BatchStream {
    receiver: mpsc::Receiver<Message>,
    /// What came first, until it is asked for.
    first: Option<Message>,
    ended: bool,
}

enum Message {
    Batch(Batch),
    Failed(TableError),
    End,
}

impl Stream for BatchStream {
    type Item = Result<Batch, TableError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = match self.first.take() {
            Some(first) => Some(first),
            None => match self.receiver.poll_recv(context) {
                Poll::Ready(message) => message,
                Poll::Pending => return Poll::Pending,
            },
        };
        self.ended = !matches!(message, Some(Message::Batch(_)));
        Poll::Ready(match message {
            Some(Message::Batch(batch)) => Some(Ok(batch)),
            Some(Message::Failed(error)) => Some(Err(error)),
            Some(Message::End) => None,
            // The reader is gone without a word: it must not look like the end of the table.
            None => Some(Err(TableError::Stopped)),
        })
    }
}
