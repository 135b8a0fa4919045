//! A dialog: a question with a form. What it tells follows the session while it is open; what it asks is frozen when it is
//! opened, fields and buttons both. If the cutover moves on in a way that matters, one line says what changed and no
//! button that acts is armed; whoever presses one all the same sends nothing, and is asked anew as things stand then.
//! It never answers itself.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::form::{Form, Page, Pressed};
use super::words;
use super::{Context, Opened, Outcome, Popup, draw};
use crate::event::describe;
use crate::session::{Command, Refusal, decide};

/// One kind of dialog.
pub trait Question: std::fmt::Debug + Send {
    /// What is shown and asked, as things stand; a refusal where there is nothing to ask any more.
    ///
    /// # Errors
    /// Why it cannot be asked now.
    fn page(&self, form: &Form, cx: &Context) -> Result<Page, Refusal>;

    /// What must not have changed between the question and its answer.
    fn facts(&self, form: &Form, cx: &Context) -> Facts;

    /// Whether any decisive event voids it, as the engine holds it for advance and rollback.
    fn decisive(&self) -> bool {
        false
    }

    /// A line that is made anew for each frame: what runs while the operator thinks.
    fn live(&self, _cx: &Context) -> Option<String> {
        None
    }

    /// What a button that acts leads to. `seen` is the event up to which the operator had seen the session.
    fn answer(&self, word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome;
}

/// Named facts, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(Vec<(String, String)>);

impl Facts {
    /// The facts with one more.
    #[must_use]
    pub fn and(mut self, what: impl Into<String>, is: impl Into<String>) -> Self {
        self.0.push((what.into(), is.into()));
        self
    }

    /// What is different in `now`, in one line; `None` where nothing is.
    pub fn change(&self, now: &Self) -> Option<String> {
        let is = |facts: &Self, what: &str| {
            facts.0.iter().find(|(name, _)| name == what).map_or("nothing", |(_, is)| is.as_str()).to_owned()
        };
        let mut changes = Vec::new();
        for (what, _) in self.0.iter().chain(&now.0) {
            let (was, is) = (is(self, what), is(now, what));
            let change = format!("{what} was {was}, is now {is}");
            if was != is && !changes.contains(&change) {
                changes.push(change);
            }
        }
        let first = changes.first()?;
        let more = changes.len() - 1;
        Some(if more == 0 { first.clone() } else { format!("{first} (and {more} more)") })
    }
}

/// Whether `command` would be carried out as things stand.
///
/// # Errors
/// Why not, in the engine's own words.
pub fn may(command: &Command, cx: &Context) -> Result<(), Refusal> {
    let Some(operator) = cx.operator.filter(|_| cx.replay.is_none()) else {
        return Err(Refusal::new("nothing can be commanded here: this session is only shown"));
    };
    decide(cx.state, command, operator, cx.state.seq, cx.now).map(drop)
}

/// An open dialog.
#[derive(Debug)]
pub struct Dialog {
    question: Box<dyn Question>,
    form: Form,
    facts: Facts,
    seen: u64,
}

impl Dialog {
    /// Opens a dialog.
    ///
    /// # Errors
    /// Why there is nothing to ask.
    pub fn open(question: impl Question + 'static, cx: &Context) -> Opened {
        Self::filled(question, cx, |_| {})
    }

    /// Opens a dialog with some of it filled in.
    ///
    /// # Errors
    /// Why there is nothing to ask.
    pub fn filled(question: impl Question + 'static, cx: &Context, fill: impl FnOnce(&mut Form)) -> Opened {
        let mut form = Form::new(question.page(&Form::default(), cx)?);
        fill(&mut form);
        // What was chosen may ask for something else.
        form.turn(question.page(&form, cx)?);
        let facts = question.facts(&form, cx);
        Ok(Box::new(Self { question: Box::new(question), form, facts, seen: cx.state.seq }))
    }

    /// The form as things stand, with what was filled in.
    fn anew(&self, cx: &Context) -> Result<Form, Refusal> {
        let mut form = self.form.clone();
        let mut page = self.question.page(&form, cx)?;
        if page.fields != form.page.fields {
            // What was chosen may stand elsewhere now: it is told of where it stands.
            form.turn(page);
            page = self.question.page(&form, cx)?;
        }
        form.turn(page);
        Ok(form)
    }

    /// What moved on since the dialog froze, in one line; `form` is the form as things stand.
    fn moved(&self, form: &Form, cx: &Context) -> Option<String> {
        let change = self.facts.change(&self.question.facts(form, cx));
        change.or_else(|| {
            (self.question.decisive() && cx.state.decisive_seq > self.seen).then(|| {
                let event = cx.state.recent.iter().rev().find(|e| e.seq == cx.state.decisive_seq);
                event.map_or_else(
                    || format!("event #{:04} came in between", cx.state.decisive_seq),
                    |event| format!("#{:04} came in between: {}", event.seq, describe(event)),
                )
            })
        })
    }

    /// Shows how things stand now, for another answer.
    fn freeze(&mut self, cx: &Context) {
        match self.anew(cx) {
            Ok(form) => {
                self.form = form;
                self.facts = self.question.facts(&self.form, cx);
                self.seen = cx.state.seq;
            }
            Err(Refusal(why)) => self.form.notice = Some(gone(&why)),
        }
    }

    fn send(&mut self, word: &'static str, cx: &Context) -> Outcome {
        let form = self.anew(cx);
        let Some(moved) = self.moved(form.as_ref().unwrap_or(&self.form), cx) else {
            return self.question.answer(word, &self.form, self.seen, cx);
        };
        self.form.notice = Some(format!("nothing was sent: {moved}"));
        self.form.back_off();
        self.freeze(cx);
        Outcome::Stay
    }
}

impl Popup for Dialog {
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome {
        match self.form.key(key.into(), cx.watched_ms) {
            Pressed::Nothing => Outcome::Stay,
            Pressed::Close => Outcome::Close,
            Pressed::Act(word) => self.send(word, cx),
            Pressed::Chose => {
                self.freeze(cx);
                Outcome::Stay
            }
            Pressed::NoButton => {
                match self.anew(cx).map(|form| self.moved(&form, cx)) {
                    Ok(Some(moved)) => {
                        self.form.notice = Some(format!("asked anew: {moved}"));
                        self.freeze(cx);
                    }
                    Ok(None) => {}
                    Err(Refusal(why)) => self.form.notice = Some(gone(&why)),
                }
                Outcome::Stay
            }
        }
    }

    fn paste(&mut self, text: &str) {
        self.form.paste(text);
    }

    fn wheel(&mut self, by: isize, _cx: &Context) {
        self.form.wheel(by);
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &crate::ui::Theme) {
        let (form, moved) = match self.anew(cx) {
            Ok(form) => {
                let moved = self.moved(&form, cx).map(|moved| format!("it moved on: {moved}"));
                (Some(form), moved)
            }
            Err(Refusal(why)) => (None, Some(gone(&why))),
        };
        let live = self.question.live(cx);
        let around =
            draw::Around { live: live.as_deref(), moved: moved.as_deref(), watched_ms: cx.watched_ms };
        let body = &form.as_ref().unwrap_or(&self.form).page.body;
        draw::form(&self.form, body, around, area, buf, theme);
    }

    fn settles_ms(&self) -> u64 {
        self.form.settles_ms()
    }

    fn hints(&self) -> Vec<(&'static str, String)> {
        let Form { page, .. } = &self.form;
        // What leaves everything as it is has its own word in each dialog.
        let closes = page.buttons.first().map_or("close", |button| button.label.as_str());
        let mut hints = if page.quick {
            words(&[("enter", "write it"), ("tab", "next field")])
        } else {
            words(&[("tab", "next"), ("enter", "the button in focus only"), ("pgdn", "read on")])
        };
        hints.push(("esc", closes.to_owned()));
        if !page.quick {
            hints.extend(words(&[("?", "keys")]));
        }
        hints
    }
}

fn gone(why: &str) -> String {
    format!("nothing to answer any more: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_was_and_what_is() {
        let was = Facts::default().and("the stage", "observe").and("the gate", "GO");
        assert_eq!(was.change(&was.clone()), None);
        let now = Facts::default().and("the stage", "observe").and("the gate", "NO-GO");
        assert_eq!(was.change(&now).as_deref(), Some("the gate was GO, is now NO-GO"));
        let now = Facts::default().and("the stage", "switch").and("the pause", "by opsB");
        assert_eq!(was.change(&now).as_deref(), Some("the stage was observe, is now switch (and 2 more)"));
    }
}
