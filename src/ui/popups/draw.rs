//! How a form looks: a frame over the middle of the screen; in it, from the top, the text, the fields, one line of
//! notice, the buttons.
//!
//! ```text
//! ┏━ GO / NO-GO ━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃ text, which scrolls                   ┃
//! ┃                                       ┃
//! ┃ reason  > because_                    ┃
//! ┃ what the last key did, or what moved  ┃
//! ┃ [ NO-GO  esc ]   [ GO  (not armed) ]  ┃
//! ┗━━━━━━━━━━━━━━━ lines 1 to 14 of 30 ━━━┛
//! ```
//!
//! Where there is little room the text gives way first, then the fields that are not in focus; the buttons never.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation;

use super::field::{Field, Kind};
use super::form::{Button, Does, Focus, Form, Tier};
use super::row::{Row, Text, Tone};
use crate::text;
use crate::ui::theme::{Mark, Theme};

/// The widest that a dialog gets: longer lines are hard to read.
const WIDEST: u16 = 112;

/// How many lines' length a notice has at the most.
const NOTICE: usize = 4;

/// Where a popup lies.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub outer: Rect,
    pub inner: Rect,
    /// Whether there is room for a frame.
    pub framed: bool,
}

impl Place {
    /// The place on the screen `area` for `wanted` lines, or for as many as fit. Where there is room, what blocks now
    /// and the line of hints stay in sight.
    pub fn of(area: Rect, wanted: usize) -> Self {
        let free =
            if area.height >= 24 { Rect { y: area.y + 3, height: area.height - 4, ..area } } else { area };
        let framed = free.width >= 12 && free.height >= 5;
        let (across, down) = if framed { (4, 2) } else { (0, 0) };
        let width = if free.width > 70 { (free.width - 4).min(WIDEST) } else { free.width };
        let height = rows(wanted).min(free.height - down) + down;
        let outer = free.centered(width.into(), height.into()).intersection(free);
        let inner = Rect {
            x: outer.x + across / 2,
            y: outer.y + down / 2,
            width: outer.width - across,
            height: outer.height - down,
        };
        Self { outer, inner, framed }
    }
}

/// What is drawn beside the form itself, made anew for each frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// What runs while the operator thinks.
    pub live: Option<&'a str>,
    /// What has changed since the dialog froze: no button that acts is armed then. A notice takes its place.
    pub moved: Option<&'a str>,
    /// [`Context::watched_ms`](super::Context); any where nothing acts.
    pub watched_ms: u64,
}

/// Draws `form` with `text` as its text over the middle of `area`.
pub fn form(form: &Form, text: &[Text], around: Around, area: Rect, buf: &mut Buffer, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let Around { live, moved, watched_ms } = around;
    let columns = usize::from(Place::of(area, 0).inner.width);

    let mut body: Vec<Line> = text.iter().flat_map(|block| block.lines(columns, theme)).collect();
    let ready = || match moved {
        Some(_) => Ready::No,
        None if watched_ms < form.settles_ms() => Ready::InAMoment,
        None => Ready::Now,
    };
    let button_count = button_lines(form, ready(), columns, theme).len();
    let fields = form.page.fields.len();
    let notices = notice_lines(form, moved, columns, theme).len() + usize::from(live.is_some());
    let gap = usize::from(fields > 0);
    let wanted = body.len() + gap + fields + notices + button_count;
    let Place { outer, inner, framed } = Place::of(area, wanted);
    let height = usize::from(inner.height);

    // who gets how many lines, from the most needed to the least
    let mut left = height;
    let mut take = |wanted: usize| {
        let got = wanted.min(left);
        left -= got;
        got
    };
    let button_rows = take(button_count);
    let field_rows = take(fields);
    let notice_rows = take(notices);
    let body_rows = take(body.len());
    let gap_rows = take(gap);

    let top = form.shown(body.len(), body_rows, watched_ms);
    // a frame that shows the end of the text arms the buttons, and armed ones may need fewer lines
    if button_lines(form, ready(), columns, theme).len() != button_count {
        return self::form(form, text, around, area, buf, theme);
    }
    Clear.render(outer, buf);
    let end = (top + body_rows).min(body.len());
    let hidden = body_rows < body.len();
    if framed {
        frame(form, (top, end, body.len()), hidden, outer, buf, theme);
    }
    let mut at = Rect { height: 1, ..inner };
    let mut line = |line: Line| {
        line.render(at.intersection(*buf.area()), buf);
        at.y += 1;
    };
    body.drain(top..end).for_each(&mut line);
    (0..gap_rows).for_each(|_| line(Line::default()));
    for n in visible(fields, field_rows, form.focus()) {
        line(field_line(form, n, columns, theme));
    }
    let notice = notice_lines(form, moved, columns, theme).into_iter();
    notice.take(notice_rows.saturating_sub(usize::from(live.is_some()))).for_each(&mut line);
    if let Some(live) = live.filter(|_| notice_rows > 0) {
        let live = text::safe(live);
        line(Line::styled(text::fit(&live, columns).into_owned(), theme.warn));
    }
    button_lines(form, ready(), columns, theme).into_iter().take(button_rows).for_each(line);
}

fn frame(
    form: &Form,
    seen: (usize, usize, usize),
    hidden: bool,
    outer: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) {
    let style = match form.page.tier {
        Tier::Safe => theme.focus,
        Tier::Risky => theme.warn,
        Tier::Grave => theme.point_of_no_return,
    };
    let room = usize::from(outer.width).saturating_sub(6);
    let title = text::safe(&form.page.title);
    let mut block = Block::bordered()
        .border_set(theme.glyphs.thick)
        .border_style(style)
        .title(Line::styled(format!(" {} ", text::fit(&title, room)), style));
    if hidden {
        let (top, end, all) = seen;
        let more = if end < all { ", PgDn" } else { ", PgUp" };
        let place = format!(" lines {} to {end} of {all}{more} ", (top + 1).min(end));
        if text::width(&place) <= room {
            block = block.title_bottom(Line::styled(place, style).right_aligned());
        }
    }
    block.render(outer, buf);
}

/// Which of `all` fields are drawn in `rows` lines: those round the one in focus.
fn visible(all: usize, rows: usize, focus: Focus) -> std::ops::Range<usize> {
    let wanted = match focus {
        Focus::Field(n) => n,
        Focus::Button(_) => 0,
    };
    let start = (wanted + 1).saturating_sub(rows).min(all.saturating_sub(rows));
    start..(start + rows).min(all)
}

fn field_line(form: &Form, n: usize, columns: usize, theme: &Theme) -> Line<'static> {
    let field = &form.page.fields[n];
    let focused = form.focus() == Focus::Field(n);
    let labels = form.page.fields.iter().map(|f| text::width(&text::safe(&f.label))).max().unwrap_or(0);
    let label_room = labels.min(columns / 2);
    let label = text::safe(&field.label);
    let label = text::fit(&label, label_room);
    let pad = label_room - text::width(&label);
    let label_style = if focused { theme.focus } else { theme.text };
    let mut spans = vec![
        Span::styled(format!("{label}{}", " ".repeat(pad)), label_style),
        Span::styled(if focused { " > " } else { " : " }, label_style),
    ];
    let room = columns.saturating_sub(label_room + 3);
    spans.extend(value(form, field, focused, room, theme));
    Line::from(spans)
}

fn value(form: &Form, field: &Field, focused: bool, room: usize, theme: &Theme) -> Vec<Span<'static>> {
    let Some(answer) = form.answer(field.name) else { return Vec::new() };
    let aside = match &field.kind {
        Kind::Choice(options) => {
            let option = options.get(answer.choice).map(String::as_str).unwrap_or_default();
            let option = text::safe(option);
            let place = format!("  {} of {}", answer.choice + 1, options.len());
            if focused {
                let room = room.saturating_sub(place.len() + 4);
                let shown = format!("< {} >", text::fit(&option, room));
                return vec![Span::styled(shown, theme.selected), Span::styled(place, theme.dim)];
            }
            // No arrows: without the focus they move between the buttons.
            let hint = if options.len() > 1 { "  tab to change" } else { "" };
            let aside = format!("{place}{hint}");
            let option = text::fit(&option, room.saturating_sub(aside.len())).into_owned();
            return vec![Span::styled(option, theme.text), Span::styled(aside, theme.dim)];
        }
        Kind::Typed(wanted) => {
            format!("  {} of {} characters", answer.line.len(), wanted.graphemes(true).count())
        }
        Kind::Text { required: true } if answer.line.text().trim().is_empty() => "  needed".to_owned(),
        Kind::Text { .. } => String::new(),
    };
    // Else a letter that was meant for here would be the key of a button.
    let aside = if focused || answer.line.len() > 0 { aside } else { format!("{aside}  tab to type") };
    let aside = if aside.len() + 12 > room { String::new() } else { aside };
    let (before, under, behind) = answer.line.window(room - aside.len());
    let cursor = if focused { theme.text.add_modifier(Modifier::REVERSED) } else { Style::new() };
    let used: usize = [&before, &under, &behind].iter().map(|t| text::width(t)).sum();
    let pad = room.saturating_sub(used + aside.len());
    vec![
        Span::styled(before, theme.text),
        Span::styled(under, cursor),
        Span::styled(behind, theme.text),
        Span::raw(" ".repeat(pad)),
        Span::styled(aside, theme.dim),
    ]
}

/// What the last key did, or what moved, on a few lines at the most; else why a button is not armed.
fn notice_lines(form: &Form, moved: Option<&str>, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    if form.page.buttons.is_empty() {
        return Vec::new();
    }
    let notice = form.notice.as_deref().map(|notice| (Mark::Ask, notice));
    if let Some((mark, what)) = notice.or(moved.map(|moved| (Mark::Warn, moved))) {
        let what = format!("{} {what}", theme.glyph(mark));
        let what = text::safe(&what);
        return Row::toned(Tone::Marked(mark), text::fit(&what, columns * NOTICE)).lines(columns, theme);
    }
    let unarmed = |button: &Button| Some(format!("{} is not armed: {}", button.label, form.unarmed(button)?));
    let why = form.page.buttons.iter().find_map(unarmed).unwrap_or_default();
    vec![Line::styled(text::fit(&text::safe(&why), columns).into_owned(), theme.dim)]
}

/// The buttons on as few lines as they fit on.
fn button_lines(form: &Form, ready: Ready, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut used = 0;
    for (n, button) in form.page.buttons.iter().enumerate() {
        let focused = form.focus() == Focus::Button(n);
        let ready = match button.does {
            Does::Close => Ready::Now,
            Does::Act(_) if form.unarmed(button).is_some() => Ready::No,
            Does::Act(_) => ready,
        };
        let label = label(button, focused, ready, theme);
        let label = text::safe(&label);
        let label = text::fit(&label, columns).into_owned();
        let style = if focused {
            theme.button_focused
        } else if ready == Ready::Now {
            theme.button
        } else {
            theme.dim
        };
        let width = text::width(&label);
        match lines.last_mut().filter(|_| used + 3 + width <= columns) {
            Some(line) => {
                line.spans.push(Span::raw("   "));
                line.spans.push(Span::styled(label, style));
                used += 3 + width;
            }
            None => {
                lines.push(Line::from(Span::styled(label, style)));
                used = width;
            }
        }
    }
    lines
}

/// Whether a button acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    No,
    InAMoment,
    Now,
}

/// The brackets tell focus without colour, and what acts in a moment: they are as wide in any case, so that nothing jumps
/// under the eye.
fn label(button: &Button, focused: bool, ready: Ready, theme: &Theme) -> String {
    let mut label = button.label.clone();
    match (button.does, button.key) {
        (Does::Close, _) => label.push_str("  esc"),
        (Does::Act(_), Some(key)) => label.push_str(&format!("  {key}")),
        (Does::Act(_), None) => {}
    }
    if ready == Ready::No {
        label.push_str("  (not armed)");
    }
    let inner = if ready == Ready::InAMoment { theme.glyph(Mark::Pending) } else { " " };
    let left = if focused { ">" } else { inner };
    format!("[{left}{label}{inner}]")
}

fn rows(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
