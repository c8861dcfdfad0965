//! An open load: requests go out when they are due, not when the server is ready for them.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::http::{Connection, Response};

/// Requests and when to send them.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    /// Made by [`super::http::request`]; sent in turn, over and over.
    pub(crate) requests: &'a [Vec<u8>],
    /// One moment per request to send, in order, counted from the start. All zero: as fast as the connections allow.
    pub(crate) schedule: &'a [Duration],
    /// Keep-alive connections, each with a thread of its own and one request under way at most.
    pub(crate) n_connections: usize,
}

/// What became of one request.
#[derive(Debug)]
pub(crate) struct Sent<T> {
    /// Which request of the schedule.
    pub(crate) idx: usize,
    /// When it was to be sent.
    pub(crate) due: Duration,
    /// From the moment it was due until it was sent: every connection was busy, or the load generator slow.
    pub(crate) delay: Duration,
    /// From the moment it was due until the response was whole, so that a server that stalls is charged for every
    /// request that would have come meanwhile.
    pub(crate) latency: Duration,
    pub(crate) outcome: T,
}

impl Load<'_> {
    /// Sends everything and returns what became of it, in no order; `read` picks what to keep of a response.
    pub(crate) fn run<T: Send>(&self, read: impl Fn(io::Result<Response>) -> T + Sync) -> Vec<Sent<T>> {
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            let connections: Vec<_> =
                (0..self.n_connections).map(|_| scope.spawn(|| self.send_due(start, &next, &read))).collect();
            connections.into_iter().flat_map(|c| c.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
        })
    }

    /// One connection: whenever it is free it takes the next request that nobody has taken.
    fn send_due<T>(
        &self,
        start: Instant,
        next: &AtomicUsize,
        read: &impl Fn(io::Result<Response>) -> T,
    ) -> Vec<Sent<T>> {
        let mut connection = Connection::new(self.address);
        let mut sent = Vec::new();
        loop {
            let idx = next.fetch_add(1, Ordering::Relaxed);
            let Some(&due) = self.schedule.get(idx) else { return sent };
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            let delay = start.elapsed().saturating_sub(due);
            let response = connection.exchange(&self.requests[idx % self.requests.len()]);
            let latency = start.elapsed().saturating_sub(due);
            sent.push(Sent { idx, due, delay, latency, outcome: read(response) });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers the first connection, one request at a time, each `service` after it came.
    fn slow_server(service: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {
                std::thread::sleep(service);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        address
    }

    #[test]
    fn waiting_for_a_slow_server_counts() {
        let service = Duration::from_millis(20);
        let requests = [super::super::http::request("GET", "/", "")];
        let schedule = Vec::from_iter((0..5).map(|i| Duration::from_millis(5 * i)));
        let load = Load { address: slow_server(service), requests: &requests, schedule: &schedule, n_connections: 1 };
        let mut sent = load.run(|response| response.unwrap().status);
        sent.sort_by_key(|s| s.idx);
        assert!(sent.iter().all(|s| s.outcome == 200));
        // The last was due after 20 ms and waited for four others: 5 × 20 ms − 20 ms. A closed loop would see 20 ms.
        assert!(sent[4].latency >= Duration::from_millis(80), "{:?}", sent[4]);
        assert!(sent[4].delay >= Duration::from_millis(60), "{:?}", sent[4]);
    }
}
