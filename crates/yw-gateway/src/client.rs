use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

use crate::GatewayError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// HTTP clients, made when first asked for and then shared: reading the system's certificates takes a while.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    direct: Option<Client>,
    proxied: Option<Client>,
}

impl Clients {
    /// The client for a host. Towards loopback addresses no proxy is used, whatever the environment says.
    pub(crate) fn for_host(&mut self, host: Option<&str>) -> Result<Client, GatewayError> {
        let is_loopback = match host {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        };
        let known = if is_loopback { &mut self.direct } else { &mut self.proxied };
        match known {
            Some(client) => Ok(client.clone()),
            None => Ok(known.insert(build(is_loopback)?).clone()),
        }
    }
}

fn build(is_loopback: bool) -> Result<Client, GatewayError> {
    // reqwest is built without a provider of cryptography and takes the process's. One that is there already will do.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = || {
        let builder = Client::builder()
            .user_agent(concat!("yellowwood/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT);
        if is_loopback { builder.no_proxy() } else { builder }
    };
    let client = builder().build().or_else(|system| {
        tracing::debug!(error = %system, "no certificates from the system; using Mozilla's");
        with_mozilla_roots(builder()).and_then(ClientBuilder::build)
    });
    client.map_err(|e| GatewayError::Client(Box::new(e)))
}

fn with_mozilla_roots(builder: ClientBuilder) -> reqwest::Result<ClientBuilder> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der));
    Ok(builder.tls_certs_only(roots.collect::<reqwest::Result<Vec<_>>>()?))
}

/// The messages of an error and its causes, without addresses.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
