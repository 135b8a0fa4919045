//! The help: every action with its keys, made from the keymap, and why it would do nothing now. `/` filters, Enter does
//! what the selected line says.

use std::cell::Cell;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::draw::Place;
use super::field::LineEditor;
use super::{Context, Opened, Outcome, Popup, available};
use crate::text;
use crate::ui::Theme;
use crate::ui::action::Action;
use crate::ui::keymap::Key;

/// Opens the help.
pub fn open(_cx: &Context) -> Opened {
    Ok(Box::new(Help::default()))
}

#[derive(Debug, Default)]
struct Help {
    filter: LineEditor,
    filtering: bool,
    /// By name, so that it stays where it is while the filter changes.
    selected: Option<Action>,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl Help {
    fn matching(&self, cx: &Context) -> Vec<Action> {
        let wanted = self.filter.text().to_lowercase();
        let matches = |action: &&Action| {
            let keys = cx.keymap.keys(**action).join(" ");
            let text = format!("{} {} {keys}", action.name(), action.help()).to_lowercase();
            text.contains(wanted.trim())
        };
        // What has no key here is not to be had here.
        let here = Action::ALL.iter().filter(|action| !cx.keymap.keys(**action).is_empty());
        // The first tenth stands for all of them.
        let here = here.filter(|action| !matches!(action, Action::Tenth(1..)));
        here.filter(matches).copied().collect()
    }

    fn place(&self, actions: &[Action]) -> usize {
        self.selected.and_then(|selected| actions.iter().position(|a| *a == selected)).unwrap_or(0)
    }

    fn select(&mut self, by: isize, cx: &Context) {
        let actions = self.matching(cx);
        let last = actions.len().saturating_sub(1);
        let place = self.place(&actions).saturating_add_signed(by).min(last);
        self.selected = actions.get(place).copied();
    }

    fn run(&self, cx: &Context) -> Outcome {
        let actions = self.matching(cx);
        actions.get(self.place(&actions)).map_or(Outcome::Stay, |action| Outcome::Run(*action))
    }

    /// The lines with the action that each stands for; headings have none.
    fn lines(&self, columns: usize, cx: &Context, theme: &Theme) -> Vec<(Option<Action>, Line<'static>)> {
        let mut lines = Vec::new();
        let mut group = None;
        for action in self.matching(cx) {
            if group != Some(action.group()) {
                group = Some(action.group());
                lines.push((None, Line::styled(action.group().title(), theme.title)));
            }
            let mut keys = cx.keymap.keys(action).join(", ");
            if action == Action::Tenth(0) {
                keys = format!("{keys} to {}", cx.keymap.key(Action::Tenth(9)));
            }
            let mut spans = vec![
                Span::styled(format!("  {keys:<12} "), theme.key),
                Span::styled(action.help(), theme.text),
            ];
            if let Some(why) = available::why_not(action, cx) {
                spans[1].style = theme.dim;
                spans.push(Span::styled(format!("  not now: {}", text::safe(&why)), theme.warn));
            }
            lines.push((Some(action), fitted(spans, columns)));
        }
        lines
    }
}

/// The spans cut at `columns`.
fn fitted(spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
    let mut left = columns;
    let mut fitting = Vec::new();
    for span in spans {
        let cut = text::fit(&span.content, left).into_owned();
        left -= text::width(&cut).min(left);
        fitting.push(Span::styled(cut, span.style));
    }
    Line::from(fitting)
}

impl Popup for Help {
    fn key(&mut self, key: KeyEvent, cx: &Context) -> Outcome {
        let key = Key::from(key);
        let page = isize::try_from(self.height.get().max(2) - 1).unwrap_or(1);
        match key.code {
            KeyCode::Esc if self.filtering || self.filter.len() > 0 => {
                *self = Self { selected: self.selected, ..Self::default() };
            }
            KeyCode::Esc => return Outcome::Close,
            KeyCode::Enter if self.filtering => self.filtering = false,
            KeyCode::Enter => return self.run(cx),
            KeyCode::Up => self.select(-1, cx),
            KeyCode::Down => self.select(1, cx),
            KeyCode::PageUp => self.select(-page, cx),
            KeyCode::PageDown => self.select(page, cx),
            _ if self.filtering => {
                self.filter.key(key);
            }
            KeyCode::Char('/') => self.filtering = true,
            KeyCode::Char('k') => self.select(-1, cx),
            KeyCode::Char('j') => self.select(1, cx),
            KeyCode::Char('g') | KeyCode::Home => self.select(isize::MIN, cx),
            KeyCode::Char('G') | KeyCode::End => self.select(isize::MAX, cx),
            KeyCode::Char('q' | '?' | 'n') => return Outcome::Close,
            _ => {}
        }
        Outcome::Stay
    }

    fn paste(&mut self, text: &str) {
        if self.filtering {
            self.filter.insert(text);
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        let columns = usize::from(Place::of(area, 0).inner.width);
        let lines = self.lines(columns, cx, theme);
        let Place { outer, inner, framed } = Place::of(area, lines.len() + 1);
        Clear.render(outer, buf);
        if framed {
            let block = Block::bordered()
                .border_set(theme.glyphs.thick)
                .border_style(theme.focus)
                .title(Line::styled(" keys ", theme.focus));
            block.render(outer, buf);
        }
        let height = usize::from(inner.height.saturating_sub(1));
        self.height.set(height);
        let actions = self.matching(cx);
        let selected = actions.get(self.place(&actions)).copied();
        let at = lines.iter().position(|(action, _)| action.is_some() && *action == selected).unwrap_or(0);
        // the heading above the first entry is shown with it
        let first = if at == 1 { 0 } else { at };
        let top = self.top.get().min(first).max((at + 1).saturating_sub(height.max(1)));
        self.top.set(top);
        for (n, (action, line)) in lines.into_iter().skip(top).take(height).enumerate() {
            let y = inner.y + u16::try_from(n).unwrap_or(u16::MAX);
            let row = Rect { y, height: 1, ..inner };
            line.render(row, buf);
            if action.is_some() && action == selected {
                buf.set_style(row, theme.selected);
            }
        }
        let last = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
        self.prompt(selected, columns, cx, theme).render(last.intersection(outer), buf);
    }

    fn hints(&self) -> &'static [(&'static str, &'static str)] {
        &[("/", "filter"), ("j k", "select"), ("enter", "do it"), ("esc", "close")]
    }
}

impl Help {
    /// The last line: what is typed, else why the selected line would do nothing now.
    fn prompt(&self, selected: Option<Action>, columns: usize, cx: &Context, theme: &Theme) -> Line<'static> {
        if !self.filtering && self.filter.len() == 0 {
            if let Some(why) = selected.and_then(|action| available::why_not(action, cx)) {
                let why = format!("not now: {}", text::safe(&why));
                return fitted(vec![Span::styled(why, theme.warn)], columns);
            }
            let text = "/ filters, enter does it, esc closes; nothing that acts is on ctrl or a function key";
            return fitted(vec![Span::styled(text, theme.dim)], columns);
        }
        let (before, under, behind) = self.filter.window(columns.saturating_sub(2));
        let cursor = if self.filtering { theme.button_focused } else { theme.text };
        Line::from(vec![
            Span::styled("/ ", theme.key),
            Span::styled(before, theme.text),
            Span::styled(under, cursor),
            Span::styled(behind, theme.text),
        ])
    }
}
