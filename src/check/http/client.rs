//! HTTP clients that keep no connection, follow no redirect, repeat nothing and heed no proxy of the environment;
//! built once, and telling how far each request has come.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Task, Poll};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use tower_layer::Layer;
use tower_service::Service;

use crate::check::name::Names;
use crate::check::resolve;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::HttpTarget;

/// What clients differ in.
type Kind = (bool, Option<PathBuf>, Option<String>);

/// The clients that were built so far. Each build reads the host's certificates, so they are kept.
#[derive(Debug, Default)]
pub struct Clients {
    built: Mutex<HashMap<Kind, Client>>,
}

impl Clients {
    /// The client for this target.
    ///
    /// # Errors
    /// A sentence: the CA file or the proxy is no good, or https has no certificates to trust.
    pub(super) fn client(&self, target: &HttpTarget, scope: &Scope, names: &Names) -> Result<Client, String> {
        let ca = target.ca.as_ref().map(|ca| scope.runbook_dir.join(ca));
        let proxy = target.proxy.as_ref().map(|proxy| resolve(scope, proxy)).transpose()?;
        let kind = (target.insecure, ca, proxy);
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = built.get(&kind) {
            return Ok(client.clone());
        }
        let client = build(&kind, names)?;
        built.insert(kind, client.clone());
        Ok(client)
    }
}

fn build((insecure, ca, proxy): &Kind, names: &Names) -> Result<Client, String> {
    // Without a provider of cryptography reqwest panics; whoever installed one first is left alone.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificates = match ca {
        None => Vec::new(),
        Some(path) => {
            let pem = std::fs::read(path).map_err(|e| format!("the CA file {}: {e}", path.display()))?;
            Certificate::from_pem_bundle(&pem).map_err(|e| format!("the CA file {}: {e}", path.display()))?
        }
    };
    let proxy = match proxy {
        None => None,
        Some(url) => Some(Proxy::all(url).map_err(|_| "the proxy is no URL".to_owned())?),
    };
    let base = || {
        let builder = ClientBuilder::new()
            .user_agent(concat!("gonogo/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0)
            .no_proxy()
            .tls_danger_accept_invalid_certs(*insecure)
            .dns_resolver(Lookup(names.clone()))
            .connector_layer(Connecting);
        match &proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        }
    };
    // A host without a bundle of certificates must still reach plain http; https then trusts nobody.
    base()
        .tls_certs_merge(certificates.clone())
        .build()
        .or_else(|_| base().tls_certs_only(certificates).build())
        .map_err(|e| format!("no HTTP client could be built: {e}"))
}

/// How far one request has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

const START: u8 = 0;
const LOOKUP: u8 = 1;
const CONNECT: u8 = 2;
const ANSWER: u8 = 3;
/// The head of the answer is there.
pub(super) const BODY: u8 = 4;

tokio::task_local! {
    static PHASE: Phase;
}

impl Phase {
    /// Lets what `request` does tell this phase how far it came.
    pub(super) async fn track<T>(&self, request: impl Future<Output = T>) -> T {
        self.set(START);
        PHASE.scope(self.clone(), request).await
    }

    pub(super) fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }

    /// Whether a connection came to stand: what was sent over it may have arrived.
    pub(super) fn is_connected(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= ANSWER
    }

    /// What it is at, for a sentence.
    pub(super) fn doing(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            START => "preparing the request",
            LOOKUP => "looking up the host's name",
            CONNECT => "connecting",
            ANSWER => "waiting for the answer",
            _ => "reading the body",
        }
    }
}

fn tell(phase: u8) {
    let _ = PHASE.try_with(|p| p.set(phase));
}

/// Looks names up through [`Names`].
struct Lookup(Names);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.0.clone();
        tell(LOOKUP);
        Box::pin(async move {
            let found = names.lookup(name.as_str()).await?;
            tell(CONNECT);
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

/// Tells when a connection (with TLS, where it is https) is being made, and when it stands.
#[derive(Clone)]
struct Connecting;

#[derive(Clone)]
struct Connector<S>(S);

impl<S> Layer<S> for Connecting {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector(inner)
    }
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: R) -> Self::Future {
        tell(CONNECT);
        let connecting = self.0.call(request);
        Box::pin(async move {
            let connected = connecting.await;
            if connected.is_ok() {
                tell(ANSWER);
            }
            connected
        })
    }
}
