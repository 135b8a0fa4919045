//! The wheel, by what is the case: who has it offers it to somebody or takes an offer back; who sits beside asks for it,
//! or takes it where its holder is away; who was offered it reads where the session stands, and takes it or not.

use super::dialog::{Dialog, Facts, Question, may};
use super::field::Field;
use super::form::{Button, Form, Page, Tier};
use super::handover;
use super::row::{Row, Text, Tone};
use super::{Context, Opened, Outcome, Subject};
use crate::event::Person;
use crate::session::{Command, Refusal, State};
use crate::ui::crew;
use crate::ui::theme::Mark;

/// Opens what the wheel asks of whoever sits here.
pub fn open(cx: &Context) -> Opened {
    Dialog::open(Wheel, cx)
}

#[derive(Debug)]
struct Wheel;

/// What somebody can do about the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case<'a> {
    /// It was offered to them.
    Offered { from: &'a str },
    /// They have it, and an offer stands.
    Offers { to: &'a str },
    /// They have it.
    Has,
    /// Its holder is away.
    HolderAway { holder: &'a str },
    /// Nobody has it.
    Free,
    /// Somebody else who is here has it.
    Beside { holder: &'a str },
}

impl<'a> Case<'a> {
    fn of(state: &'a State, me: &Person) -> Self {
        let mine = state.wheel.as_ref() == Some(&me.person);
        match (&state.wheel_offer, &state.wheel) {
            (Some(offer), _) if offer.to == me.person => Self::Offered { from: &offer.from },
            (Some(offer), _) if mine => Self::Offers { to: &offer.to },
            (_, Some(_)) if mine => Self::Has,
            (_, Some(holder)) if state.driver().is_none() => Self::HolderAway { holder },
            (_, Some(holder)) => Self::Beside { holder },
            (_, None) => Self::Free,
        }
    }

    /// In words, to be held against later.
    fn word(self) -> String {
        match self {
            Self::Offered { from } => format!("offered to you by {from}"),
            Self::Offers { to } => format!("yours, and offered to {to}"),
            Self::Has => "yours".to_owned(),
            Self::HolderAway { holder } => format!("{holder}'s, who is away"),
            Self::Free => "nobody's".to_owned(),
            Self::Beside { holder } => format!("{holder}'s"),
        }
    }
}

/// To whom it could be offered, who asked for it first.
fn candidates(state: &State) -> Vec<String> {
    let others = crew::others(state).into_iter().map(|operator| &operator.person);
    let mut names: Vec<_> = others.filter(|p| crew::may_drive(state, p)).map(|p| p.person.clone()).collect();
    names.sort_by_key(|name| !state.wheel_asked.contains(name));
    names
}

impl Question for Wheel {
    fn page(&self, _form: &Form, cx: &Context) -> Result<Page, Refusal> {
        let Some(me) = cx.operator else {
            return Err(Refusal::new("nothing can be commanded here: this session is only shown"));
        };
        if cx.state.is_closed() {
            return Err(Refusal::new("the session is over"));
        }
        let mut page = Page {
            title: "THE WHEEL".to_owned(),
            tier: Tier::Risky,
            body: Vec::new(),
            buttons: vec![Button::close("leave it as it is")],
            ..Page::default()
        };
        match Case::of(cx.state, me) {
            Case::Offered { from } => {
                let lead =
                    format!("{from} offers you the wheel. Read where the session stands, then take it.");
                take(&mut page, lead, &Command::AcceptWheel, cx);
                page.buttons.insert(1, Button::act("decline", "decline").at_once());
            }
            Case::HolderAway { holder } => {
                let since = crew::away_since(cx.state, holder)
                    .map(|left| format!(" since {}", cx.now.second(left.at)));
                let lead = format!(
                    "{holder} has the wheel and is away{}. Read where the session stands before you take it.",
                    since.unwrap_or_default()
                );
                take(&mut page, lead, &Command::TakeWheel, cx);
            }
            Case::Free => {
                let lead =
                    "Nobody has the wheel. Read where the session stands before you take it.".to_owned();
                take(&mut page, lead, &Command::TakeWheel, cx);
            }
            Case::Has => offer(&mut page, cx),
            Case::Offers { to } => {
                let rows = vec![
                    Row::title(format!("You offered the wheel to {to}")),
                    Row::new(
                        "It is yours until it is taken: advance, roll back and the rest are still up to you.",
                    ),
                ];
                page.body.push(Text::Rows(rows));
                page.buttons.push(where_it_stands());
                page.buttons.push(Button::act("decline", "TAKE THE OFFER BACK").key('y'));
            }
            Case::Beside { holder } => ask(&mut page, holder, me, cx),
        }
        Ok(page)
    }

    fn facts(&self, _form: &Form, cx: &Context) -> Facts {
        let case = cx.operator.map(|me| Case::of(cx.state, me).word());
        Facts::default()
            .and("the wheel", case.unwrap_or_default())
            .and("the session", cx.state.situation().word())
            .and("the stage in hand", cx.state.current_stage().map_or("none", |id| id.as_str()))
            .and("who can take it", candidates(cx.state).join(", "))
    }

    fn answer(&self, word: &'static str, form: &Form, seen: u64, cx: &Context) -> Outcome {
        let command = match word {
            "read" => return Outcome::Show(Subject::Handover),
            "offer" => match candidates(cx.state).into_iter().nth(form.choice("to")) {
                Some(to) => Command::OfferWheel { to },
                None => return Outcome::Close,
            },
            "ask" => Command::AskWheel,
            "accept" => Command::AcceptWheel,
            "take" => Command::TakeWheel,
            _ => Command::DeclineWheel,
        };
        Outcome::Ask { command, seen }
    }
}

fn where_it_stands() -> Button {
    Button::act("read", "where the session stands").key('s')
}

/// The page of whoever takes it: they have read where the session stands.
fn take(page: &mut Page, lead: String, command: &Command, cx: &Context) {
    page.body.push(Text::Rows(vec![Row::title(lead), Row::blank()]));
    page.body.extend(handover::text(cx));
    match may(command, cx) {
        Ok(()) => {
            page.title = "HANDOVER: the wheel passes to you when you take it".to_owned();
            let word = if *command == Command::AcceptWheel { "accept" } else { "take" };
            page.buttons.push(Button::act(word, "TAKE THE WHEEL").key('y'));
        }
        Err(refusal) => refused(page, refusal),
    }
}

fn offer(page: &mut Page, cx: &Context) {
    let mut rows = vec![
        Row::title("You have the wheel"),
        Row::new(
            "Whoever you offer it to reads where the session stands first; it is yours until they take it.",
        ),
        Row::blank(),
    ];
    let names = candidates(cx.state);
    rows.extend(wishes(cx.state));
    page.buttons.push(where_it_stands());
    if !cx.state.wheel_asked.is_empty() {
        page.buttons.push(Button::act("decline", "decline the wish").at_once());
    }
    match names.first().map(|to| may(&Command::OfferWheel { to: to.clone() }, cx)) {
        Some(Ok(())) => {
            page.fields.push(Field::choice("to", "offer it to", names));
            page.buttons.push(Button::act("offer", "OFFER THE WHEEL").key('y'));
        }
        Some(Err(Refusal(why))) => rows.push(Row::mark(Mark::Fail, format!("not now: {why}"))),
        None => rows.push(Row::mark(
            Mark::Pending,
            "Nobody else is here who could take it: `gonogo attach` brings somebody.",
        )),
    }
    page.body.push(Text::Rows(rows));
}

fn ask(page: &mut Page, holder: &str, me: &Person, cx: &Context) {
    let mut rows = vec![Row::title(format!("{holder} has the wheel")).and(Tone::Plain, " and is here")];
    if let Some(offer) = &cx.state.wheel_offer {
        rows.push(Row::mark(Mark::Ask, format!("it is offered to {}", offer.to)));
    }
    rows.push(Row::blank());
    rows.extend(wishes(cx.state));
    page.buttons.push(where_it_stands());
    if cx.state.wheel_asked.contains(&me.person) {
        rows.push(Row::new(format!("You asked for it: {holder} offers it with the same key, or does not.")));
        page.body.push(Text::Rows(rows));
        page.buttons.push(Button::act("decline", "TAKE THE WISH BACK"));
        return;
    }
    rows.push(Row::new(format!(
        "Asking shows {holder} that you would like it; it passes once they offer it."
    )));
    page.body.push(Text::Rows(rows));
    match may(&Command::AskWheel, cx) {
        Ok(()) => page.buttons.push(Button::act("ask", "ASK FOR THE WHEEL").key('y')),
        Err(refusal) => refused(page, refusal),
    }
}

fn wishes(state: &State) -> impl Iterator<Item = Row> {
    state.wheel_asked.iter().map(|who| Row::mark(Mark::Ask, format!("{who} asks for the wheel")))
}

fn refused(page: &mut Page, Refusal(why): Refusal) {
    page.body.push(Text::Rows(vec![Row::blank(), Row::mark(Mark::Fail, format!("not now: {why}"))]));
}
