//! What the terminal sent, and what follows from it: keys, clicks and pasted text become effects, which are carried out
//! here or asked of the engine beside the loop.

use std::path::PathBuf;

use crossterm::event::{Event as Input, KeyEventKind};
use ratatui::layout::Position;

use super::beside::Returned;
use super::{Cockpit, Due, context, zone};
use crate::session::{Command, Refusal};
use crate::text;
use crate::ui::popups::{RECORDED, Unwritten};
use crate::ui::screen::Screen;
use crate::ui::update::{self, Effect};

impl Cockpit {
    /// Takes what the terminal sent; true when the operator leaves.
    pub(super) fn input(&mut self, input: Input) -> bool {
        let watched_ms = self.watched_ms(crate::clock::now());
        let cx = context(&self.playback, &self.options, self.commander.as_ref(), watched_ms);
        let effect = match input {
            Input::Key(key) if key.kind != KeyEventKind::Release => update::key(&mut self.view, key, &cx),
            Input::Mouse(mouse) if update::heeds(mouse) => {
                let theme = self.options.themes.theme();
                let screen = Screen { cx, view: &self.view, zone: zone(cx.now), theme };
                let target = screen.at(self.area, Position::new(mouse.column, mouse.row));
                update::mouse(&mut self.view, mouse, target, &cx)
            }
            Input::Paste(text) => {
                update::paste(&mut self.view, &text);
                Effect::Nothing
            }
            Input::Resize(..) => {
                self.wants_frame(Due::Now);
                return false;
            }
            _ => return false,
        };
        self.wants_frame(Due::Now);
        if let Some(commander) = &self.commander {
            commander.active();
        }
        self.carry_out(effect)
    }

    /// Does what a key or a click led to; true when the operator leaves.
    fn carry_out(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Nothing | Effect::List => {}
            Effect::Ask { command, seen } => self.ask(command, None, seen),
            Effect::Attach { command, path, seen } => self.ask(command, Some(path), seen),
            Effect::Find(way) => self.find(way),
            Effect::FindEvent(way) => self.find_event(way),
            Effect::Steer(steer) => self.steer(steer),
            Effect::Copy(extent) => self.copy(extent),
            Effect::NextTheme => {
                let name = self.options.themes.turn().to_owned();
                self.view.note(format!("theme: {}", text::safe(&name)));
            }
            Effect::Mouse => {
                let mouse = !self.terminal.has_mouse();
                // A terminal that is gone is noticed by the next frame.
                let _ = self.terminal.capture(mouse);
                self.view.note(if mouse {
                    "the mouse is the cockpit's: a click selects, the wheel scrolls; shift marks text to copy"
                } else {
                    "the mouse is the terminal's: it selects text as anywhere"
                });
            }
            Effect::Leave => return true,
        }
        false
    }

    /// Asks the engine beside the loop, with a file where one goes along.
    fn ask(&mut self, command: Command, file: Option<PathBuf>, seen: u64) {
        let Some(commander) = self.commander.clone() else {
            self.view.refuse(RECORDED);
            return;
        };
        let (back, note) = (self.back.clone(), Unwritten::of(&command, file.as_deref()));
        tokio::spawn(async move {
            let answer = match file {
                Some(path) => commander.ask_with_file(command, &at_home(path), seen).await,
                None => commander.ask(command, seen).await,
            };
            let _ = back.send(match (note, answer) {
                (Some(note), Err(Refusal(why))) => Returned::Unwritten(Unwritten { why, ..note }),
                (_, answer) => Returned::Answer(answer),
            });
        });
    }
}

/// A path that begins with `~/` as a shell would take it.
fn at_home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path,
    }
}
