//! The HTTP client of the exporters.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// A collector that takes longer will be asked again.
const TIMEOUT: Duration = Duration::from_secs(5);

/// No answer of a collector is longer.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Sends with the gateway's own client, on the runtime that it is called on.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    last_status: Arc<AtomicU16>,
}

impl Http {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Http { client, last_status: Arc::new(AtomicU16::new(0)) }
    }

    /// Whether it is worth sending again what just failed: no answer at all, or one that says so.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.last_status.load(Ordering::Relaxed), 0 | 408 | 429 | 502 | 503 | 504)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.last_status.store(0, Ordering::Relaxed);
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(TIMEOUT);
        let mut received = self.client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = received.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(format!("the collector's answer is longer than {MAX_BODY_BYTES} bytes").into());
            }
            body.extend_from_slice(&chunk);
        }
        self.last_status.store(received.status().as_u16(), Ordering::Relaxed);
        let mut response = Response::new(body.freeze());
        *response.status_mut() = received.status();
        *response.headers_mut() = std::mem::take(received.headers_mut());
        Ok(response)
    }
}

impl HttpClient for Http {
    fn send_bytes<'client, 'future>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'future>>
    where
        'client: 'future,
        Self: 'future,
    {
        Box::pin(self.send(request))
    }
}
