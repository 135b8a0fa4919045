//! What runs beside the loop so that no look into a log or an output holds up a key: started here, taken back here.

use super::copies::Copied;
use super::{Cockpit, Due, context};
use crate::feed::OutputPiece;
use crate::replay;
use crate::session::Refusal;
use crate::ui::output::{Looked, Source, Went};
use crate::ui::playback::Playback;
use crate::ui::popups::Unwritten;
use crate::ui::recorded::Listed;
use crate::ui::search::Way;
use crate::ui::update;
use crate::ui::view::Pane;

/// What ran beside the loop and is done.
#[derive(Debug)]
pub(super) enum Returned {
    Answer(Result<(), Refusal>),
    Unwritten(Unwritten),
    /// A piece of output, and before how many jumps back it was asked for.
    Piece(Source, OutputPiece, u64),
    Looked(Box<Looked>),
    FoundEvent {
        search: u64,
        way: Way,
        seq: Option<u64>,
    },
    Listed(Listed),
    /// A panel's text that had to be read for.
    Gathered(Pane, String),
    Copied(Copied),
}

impl Cockpit {
    /// Lists the events of a recording; what is to be looked through for it is looked through beside the loop.
    pub(super) fn list_events(&mut self) {
        let Playback::Recorded(recorded) = &mut self.playback else { return };
        let Some(look) = recorded.list(&self.view) else { return };
        let back = self.back.clone();
        tokio::task::spawn_blocking(move || back.send(Returned::Listed(look.look())));
    }

    pub(super) fn find_event(&mut self, way: Way) {
        let Playback::Recorded(recorded) = &self.playback else { return };
        let on = if way == Way::Down { replay::Way::Forward } else { replay::Way::Back };
        let Some(hunt) = recorded.hunt(&self.view, on) else { return };
        self.searches += 1;
        let (back, search) = (self.back.clone(), self.searches);
        tokio::task::spawn_blocking(move || {
            let seq = hunt.hunt();
            back.send(Returned::FoundEvent { search, way, seq })
        });
    }

    /// Reads the piece of output that the screen wants next, one at a time.
    pub(super) fn read_output(&mut self) {
        let rows = self.view.rows(Pane::Output);
        if self.reading || rows == 0 {
            return;
        }
        let Some(wanted) = self.view.output.wanted(rows) else { return };
        self.reading = true;
        let (reader, back, rewinds) = (self.outputs.clone(), self.back.clone(), self.rewinds);
        tokio::spawn(async move {
            let source = wanted.source;
            let piece = reader.read(source.step.clone(), source.attempt, wanted.offset, wanted.len).await;
            let _ = back.send(Returned::Piece(source, piece, rewinds));
        });
    }

    /// Looks on through the output for what is searched for and kept, a little at a time and one after the other: what
    /// is asked for next need not wait for long, and what is asked for no more is looked for no more.
    pub(super) fn look_through_output(&mut self) {
        if self.looking {
            return;
        }
        let Some(look) = self.view.output.look(self.view.rows(Pane::Output)) else { return };
        self.looking = true;
        let (reader, back) = (self.outputs.clone(), self.back.clone());
        tokio::spawn(async move {
            let _ = back.send(Returned::Looked(Box::new(look.run(&reader).await)));
        });
    }

    pub(super) fn find(&mut self, way: Way) {
        // The search may be newer than the last frame.
        self.view.output.sift(&self.view.sift(Pane::Output).clone());
        self.view.output.hunt(way, self.view.rows(Pane::Output));
        self.look_through_output();
    }

    pub(super) fn returned(&mut self, returned: Returned) {
        match returned {
            Returned::Answer(Ok(())) => {}
            Returned::Answer(Err(Refusal(why))) => {
                self.view.refuse(why);
                self.wants_frame(Due::Now);
            }
            Returned::Unwritten(note) => {
                let watched_ms = self.watched_ms(crate::clock::now());
                let cx = context(&self.playback, &self.options, self.commander.as_ref(), watched_ms);
                update::unwritten(&mut self.view, note, &cx);
                self.wants_frame(Due::Now);
            }
            Returned::Piece(source, piece, rewinds) => {
                self.reading = false;
                let follows = self.view.output.unseen().is_none();
                if rewinds == self.rewinds {
                    self.view.output.take(&source, piece);
                }
                self.wants_frame(if follows { Due::Soon } else { Due::Now });
            }
            Returned::Looked(looked) => {
                self.looking = false;
                match self.view.output.looked(*looked) {
                    Went::Nowhere => {}
                    Went::On => self.wants_frame(Due::Soon),
                    Went::Found => self.wants_frame(Due::Now),
                    Went::Missed(way) => {
                        self.view.refuse(format!("no match {}", side(way)));
                        self.wants_frame(Due::Now);
                    }
                }
                self.look_through_output();
            }
            Returned::FoundEvent { search, way, seq } if search == self.searches => {
                let before = self.playback.now();
                match (seq, &mut self.playback) {
                    (Some(seq), Playback::Recorded(recorded)) => recorded.go_to(seq),
                    _ => self.view.refuse(format!("no match {}", side(way))),
                }
                self.moved(before);
            }
            Returned::Listed(listed) => {
                if let Playback::Recorded(recorded) = &mut self.playback {
                    recorded.listed(listed);
                }
                self.wants_frame(Due::Soon);
            }
            Returned::Gathered(pane, text) => self.hand_out(pane, text),
            Returned::Copied(copied) => {
                self.copied(copied);
                self.wants_frame(Due::Now);
            }
            Returned::FoundEvent { .. } => {}
        }
    }
}

fn side(way: Way) -> &'static str {
    match way {
        Way::Down => "below",
        Way::Up => "above",
    }
}
