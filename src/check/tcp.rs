//! `tcp`: whether something listens, how fast it takes the connection, and what its banner says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::{Context, Observed, resolve, span};
use crate::proof::{Proof, Text, all_met, text};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{TcpExpect, Template, TextExpect};
use crate::text::{decode, plain};

/// How much of a banner is read.
const BANNER: usize = 64 << 10;

/// A banner is taken to be whole when nothing followed for so long.
const QUIET: Duration = Duration::from_millis(100);

pub(super) async fn observe(
    address: &Template,
    expect: &TcpExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    let begun = Instant::now();
    let deadline = begun + timeout;
    let address = match resolve(scope, address) {
        Ok(address) => address,
        Err(why) => return Observed::error(why),
    };
    let Some((host, port)) =
        address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)))
    else {
        return Observed::error(format!("{address} is not HOST:PORT"));
    };
    let found = match timeout_at(deadline, ctx.names.lookup(host)).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return Observed::error(why),
        Err(_) => return Observed::error(format!("no answer within {}: looking up {host}", span(timeout))),
    };
    let addresses: Vec<SocketAddr> = found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    let connected = match timeout_at(deadline, TcpStream::connect(&*addresses)).await {
        Ok(connected) => connected,
        Err(_) => {
            return Observed::error(format!("no answer within {}: connecting to {address}", span(timeout)));
        }
    };
    let took = begun.elapsed();
    let expected = format!("{address} is {}", if expect.open { "open" } else { "closed" });
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            return Observed::proven(
                vec![Proof::new(expected, !expect.open, "connection refused")],
                "closed",
            );
        }
        Err(e) => return Observed::error(format!("connecting to {address}: {e}")),
    };
    let mut proofs = vec![Proof::new(expected, expect.open, "it takes connections")];
    if let Some(max) = expect.max_latency {
        let seen = format!("after {}", span(took));
        proofs.push(Proof::new(format!("connects within {}", span(max)), took <= max, seen));
    }
    if expect.text != TextExpect::default() {
        proofs.extend(banner(&mut stream, expect, scope, deadline).await);
    }
    Observed::proven(proofs, format!("open, {}", span(took)))
}

/// Reads until everything is met and the other side is quiet, it closes, or time is up.
async fn banner(stream: &mut TcpStream, expect: &TcpExpect, scope: &Scope, deadline: Instant) -> Vec<Proof> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let decoded = decode(&bytes);
        let said = plain(&decoded);
        let leaked = scope.leaks(&said);
        let said = scope.masked(said);
        let cut = (bytes.len() >= BANNER).then_some(BANNER as u64);
        let proofs = text(&expect.text, Text { name: "banner", text: &said, cut, leaked }, scope);
        let whole = !bytes.is_empty() && all_met(&proofs);
        let until = if whole { deadline.min(Instant::now() + QUIET) } else { deadline };
        match timeout_at(until, stream.read(&mut chunk)).await {
            Ok(Ok(n)) if n > 0 && cut.is_none() => bytes.extend_from_slice(&chunk[..n]),
            _ => return proofs,
        }
    }
}
