//! Where the session stands, for whoever takes it over: on the screen of the wheel, and for anyone at any time.

use super::Context;
use super::preflight;
use super::row::{Row, Text};
use crate::session::gate;

/// The whole of it.
pub fn text(cx: &Context) -> Vec<Text> {
    let mut rows = vec![Row::title("STATE"), Row::new(cx.state.situation().word()).indent(1), Row::blank()];
    if let Some(stage) = cx.state.current_stage() {
        rows.extend(preflight::verdict(&gate::evaluate(cx.state, stage)));
    }
    vec![Text::Rows(rows)]
}
