//! Comes in by a session's socket. An engine has its log before it listens, so one that holds the session and has no
//! socket yet is waited for: whoever saw the first line of its log may already ask it something.

use std::path::Path;
use std::time::Duration;

use super::place::Place;
use crate::wire::client::{self, Attached, ConnectError, Head};
use crate::wire::message::Hello;

/// How often an engine that holds its session without listening is tried again, and after how long each time.
const TRIES: usize = 200;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Attaches to the engine of the session at `place`, as [`client::connect_knowing`]. One that holds the session and does
/// not listen is waited for, ten seconds at the most; somebody else's socket is tried once.
///
/// # Errors
/// [`ConnectError`], a sentence.
pub(super) async fn knock(
    place: &Place,
    hello: Hello,
    known: Option<Head>,
) -> Result<Attached, ConnectError> {
    for _ in 0..TRIES {
        let place = place.anew();
        let own = place.folder().is_some();
        match &place.door {
            // A socket without an engine may be anybody's.
            _ if !place.is_live() => break,
            None => {}
            Some(door) => match client::connect_knowing(door, hello.clone(), known.clone()).await {
                Err(ConnectError::NoEngine { .. }) if own => {}
                answer => return answer,
            },
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    if place.is_live() {
        return Err(ConnectError::NotListening { session: place.name.clone() });
    }
    Err(ConnectError::NoEngine { folder: place.folder().map(Path::to_owned).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::pin::pin;

    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::audit::dir;
    use crate::wire::codec;
    use crate::wire::message::{Kind, ToClient};
    use crate::wire::socket;

    #[tokio::test]
    async fn an_engine_that_holds_its_session_and_does_not_listen_yet_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("ours");
        fs::write(folder.path().join(dir::LOG), "").expect("written");
        let lock = File::create(folder.path().join("lock")).expect("made");
        let log = Some(folder.path().join(dir::LOG));
        let place = Place { name: "move".to_owned(), log, door: None, owner: None };
        assert!(matches!(
            knock(&place, Hello::new(Kind::Ctl), None).await,
            Err(ConnectError::NoEngine { .. })
        ));

        lock.lock().expect("nobody else has it");
        let mut knocking = pin!(knock(&place, Hello::new(Kind::Ctl), None));
        let first = tokio::time::timeout(Duration::from_millis(1), &mut knocking).await;
        assert!(first.is_err(), "it looked once, and waits");
        let listening = socket::bind(folder.path()).expect("bound");
        let engine = async {
            let mut line = Vec::new();
            codec::encode(&ToClient::Refused { why: "I do not know you".to_owned() }, &mut line);
            let mut stream = listening.accept().await.expect("somebody comes");
            stream.write_all(&line).await.expect("said");
            stream
        };
        let (answer, _stream) = tokio::join!(knocking, engine);
        assert!(
            matches!(&answer, Err(ConnectError::Refused(why)) if why == "I do not know you"),
            "{answer:?}"
        );
    }
}
