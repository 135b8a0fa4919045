//! Puts an engine on its session's socket, so that cockpits and scripts reach it.

use crate::engine::Engine;
use crate::event::{Person, Seat};
use crate::wire::socket::{self, Listening};

/// Opens the session's socket: in its own folder, or among what is shared with a group.
///
/// # Errors
/// A sentence: the socket cannot be made, or nothing can be shared with that group.
pub(super) async fn open(engine: &Engine) -> Result<Listening, String> {
    let nobody = Person { person: String::new(), uid: 0, seat: Seat::Observer };
    let state = engine.feed(nobody).await.ok_or("the engine ended before it had begun")?.state;
    let share = state.opened.as_ref().and_then(|opened| opened.share.clone());
    let listening = match share {
        Some(group) => socket::bind_shared(&socket::share_dir(), &engine.session, &group),
        None => socket::bind(&engine.session_dir),
    };
    listening.map_err(|e| e.to_string())
}
