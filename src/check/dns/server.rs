//! Which name servers are asked: the one that is named, or those that this host is set to.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::check::{Context, resolve, span};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::Template;

const PORT: u16 = 53;
const SETTINGS: &str = "/etc/resolv.conf";

/// The addresses to ask, the first one first.
///
/// # Errors
/// A sentence: the server's own name is not known, or this host is set to none.
pub(super) async fn named(
    server: Option<&Template>,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, String> {
    let Some(server) = server else {
        let settings = std::fs::read_to_string(SETTINGS).map_err(|e| format!("{SETTINGS}: {e}"))?;
        let servers = of_host(&settings);
        return if servers.is_empty() { Err(format!("{SETTINGS} names no server")) } else { Ok(servers) };
    };
    let text = resolve(scope, server)?;
    let (host, port) = split(&text);
    let lookup = tokio::time::timeout(timeout, ctx.names.lookup(host)).await;
    let found = lookup.map_err(|_| format!("no answer within {}: looking up {host}", span(timeout)))??;
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

fn split(text: &str) -> (&str, u16) {
    if text.parse::<IpAddr>().is_ok() {
        return (text, PORT);
    }
    match text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some(named) => named,
        None => (text, PORT),
    }
}

fn of_host(settings: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let named = words.next().filter(|word| *word == "nameserver").and_then(|_| words.next());
        named?.parse::<IpAddr>().ok()
    };
    settings.lines().filter_map(address).map(|address| SocketAddr::new(address, PORT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_stands_with_or_without_its_port() {
        for (text, host, port) in [
            ("192.0.2.53", "192.0.2.53", 53),
            ("192.0.2.53:5353", "192.0.2.53", 5353),
            ("2001:db8::53", "2001:db8::53", 53),
            ("[2001:db8::53]:5353", "[2001:db8::53]", 5353),
            ("ns1.example", "ns1.example", 53),
        ] {
            assert_eq!(split(text), (host, port), "{text}");
        }
    }

    #[test]
    fn a_host_s_servers_are_read_in_order() {
        let text =
            "# mine\nsearch example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 \n;nameserver 192.0.2.9\n";
        let found: Vec<String> = of_host(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53"]);
    }
}
