//! Name lookups on threads of their own: one that hangs holds up neither the others nor the end of the program.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// At most this many names are looked up at once; each is one thread.
const AT_ONCE: usize = 128;

type Found = Result<Vec<IpAddr>, String>;
type Running = HashMap<String, watch::Receiver<Option<Found>>>;

/// Looks names up. Whoever asks for a name that is being looked up waits for that answer.
#[derive(Debug, Clone, Default)]
pub struct Names {
    running: Arc<Mutex<Running>>,
}

impl Names {
    /// The addresses of `host`, which may be an address itself. It may take as long as the system's resolver does:
    /// the caller keeps the time.
    ///
    /// # Errors
    /// A sentence that names the host.
    pub async fn lookup(&self, host: &str) -> Found {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let mut answer = self.join(bare)?;
        match answer.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(|| Err(format!("{bare}: no answer"))),
            Err(_) => Err(format!("{bare}: the lookup ended without an answer")),
        }
    }

    fn join(&self, host: &str) -> Result<watch::Receiver<Option<Found>>, String> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = running.get(host) {
            return Ok(answer.clone());
        }
        if running.len() >= AT_ONCE {
            return Err(format!("{host}: {AT_ONCE} other names are being looked up already"));
        }
        let (tell, answer) = watch::channel(None);
        let (all, name) = (Arc::clone(&self.running), host.to_owned());
        let lookup = move || {
            let found = system(&name);
            all.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            tell.send_replace(Some(found));
        };
        std::thread::Builder::new()
            .name("name-lookup".into())
            .spawn(lookup)
            .map_err(|e| format!("{host}: no thread for the lookup: {e}"))?;
        running.insert(host.to_owned(), answer.clone());
        Ok(answer)
    }
}

fn system(host: &str) -> Found {
    match (host, 0).to_socket_addrs() {
        Ok(addresses) => {
            let found: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
            if found.is_empty() { Err(format!("{host} has no address")) } else { Ok(found) }
        }
        Err(e) => Err(format!("{host} is not known: {e}")),
    }
}
