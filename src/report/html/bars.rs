//! Bars and signs on a track: what lasted and what happened, drawn. Each says in words what it is to whoever points at
//! it or hears the picture, and no two kinds differ by colour alone.

use super::markup::{Markup, html, put};
use super::scale::{Scale, round};

/// The least width at which a bar is seen, in per cent.
const LEAST: f64 = 0.15;
/// Signs nearer than this, in per cent, become one.
const NEAR: f64 = 1.6;
/// Units of the shape of many bars.
const UNITS: f64 = 2000.0;

/// Something that lasted.
#[derive(Debug, Clone)]
pub struct Bar {
    pub from_ms: u64,
    pub to_ms: u64,
    /// How it is filled: a class of the style sheet.
    pub class: &'static str,
    /// From the top of the row, in pixels.
    pub y: u32,
    pub height: u32,
    /// What it is, for whoever points at it.
    pub title: String,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Sign {
    pub t_ms: u64,
    pub glyph: &'static str,
    /// Its colour: a class of the style sheet.
    pub class: &'static str,
    pub title: String,
}

/// What bars mean, an item for each: its class, its top and height in pixels, and the word for it.
pub fn legend(kinds: &[(&str, u32, u32, &str)]) -> Markup {
    let mut items = Markup::default();
    for (class, y, height, word) in kinds {
        put!(
            items,
            "<li><svg aria-hidden='true'><rect class='{}' x='1' y='{}' width='24' height='{}'/></svg>{}</li>",
            *class,
            *y,
            *height,
            *word
        );
    }
    items
}

/// A row's picture.
pub struct Track<'a> {
    pub scale: &'a Scale,
    pub height: u32,
    /// What the row shows, in a sentence.
    pub title: &'a str,
    pub bars: &'a [Bar],
    /// Up to so many bars each says what it is; more of them are drawn as one shape.
    pub told: usize,
    pub signs: &'a [Sign],
}

impl Track<'_> {
    #[must_use]
    pub fn draw(&self) -> Markup {
        html!(
            "<svg role='img' height='{}'><title>{}</title>{}{}{}</svg>",
            self.height,
            self.title,
            super::chart::grid(self.scale, f64::from(self.height)),
            if self.bars.len() <= self.told { self.told() } else { self.shapes() },
            self.signs(),
        )
    }

    fn told(&self) -> Markup {
        let mut drawn = Markup::default();
        for bar in self.bars {
            let (x, width) = self.place(bar);
            put!(
                drawn,
                "<svg x='{}%' y='{}' width='{}%' height='{}'><title>{}</title>\
                 <rect class='{}' width='100%' height='100%'/>",
                x,
                bar.y,
                width,
                bar.height,
                bar.title,
                bar.class,
            );
            put!(drawn, "</svg>");
        }
        drawn
    }

    /// All bars of a class as one shape: a flapping check of a day stays a few kilobytes.
    fn shapes(&self) -> Markup {
        use std::fmt::Write as _;
        let mut classes: Vec<(&str, String, f64)> = Vec::new();
        for bar in self.bars {
            let (x, width) = self.place(bar);
            let (from, to) = ((x * UNITS / 100.0).floor(), ((x + width) * UNITS / 100.0).ceil());
            let at = classes.iter().position(|(class, ..)| *class == bar.class).unwrap_or_else(|| {
                classes.push((bar.class, String::new(), -1.0));
                classes.len() - 1
            });
            let (_, shape, drawn_to) = &mut classes[at];
            // What lies under what is drawn already adds nothing.
            if to > *drawn_to {
                let from = from.max(*drawn_to);
                let _ = write!(shape, "M{from} {}h{}v{}H{from}z", bar.y, to - from, bar.height);
                *drawn_to = to;
            }
        }
        // What is worse comes last, over what is better.
        classes.sort_by_key(|(class, ..)| {
            ["f-pending", "f-ok", "h-unseen", "f-stale"].iter().position(|c| c == class).unwrap_or(9)
        });
        let mut drawn = html!(
            "<svg width='100%' height='{}' viewBox='0 0 {} {}' preserveAspectRatio='none'>",
            self.height,
            UNITS,
            self.height
        );
        for (class, shape, _) in classes {
            put!(drawn, "<path class='{}' d='{}'/>", class, shape);
        }
        put!(drawn, "</svg>");
        drawn
    }

    fn place(&self, bar: &Bar) -> (f64, f64) {
        let (from, to) = (self.scale.x(bar.from_ms), self.scale.x(bar.to_ms));
        let width = (to - from).max(LEAST);
        (round(from.min(100.0 - LEAST)), round(width))
    }

    fn signs(&self) -> Markup {
        let mut drawn = Markup::default();
        for group in groups(self.scale, self.signs) {
            let [first, ..] = group else { continue };
            let worst = group.iter().find(|sign| sign.class == "fail").unwrap_or(first);
            put!(
                drawn,
                "<text class='mark {}' x='{}%' y='{}'>{}<title>",
                worst.class,
                self.scale.x(first.t_ms).clamp(0.7, 99.3),
                self.height / 2 + 5,
                worst.glyph,
            );
            if group.len() > 1 {
                put!(drawn, "{} together: ", group.len());
            }
            for (number, sign) in group.iter().take(12).enumerate() {
                put!(drawn, "{}{}", if number > 0 { " · " } else { "" }, sign.title);
            }
            put!(drawn, "{}</title></text>", if group.len() > 12 { " · …" } else { "" });
        }
        drawn
    }
}

/// Signs that would lie on each other, together.
fn groups<'a>(scale: &Scale, signs: &'a [Sign]) -> Vec<&'a [Sign]> {
    let mut groups = Vec::new();
    let mut from = 0;
    for at in 1..=signs.len() {
        let ends = signs.get(at).is_none_or(|sign| scale.x(sign.t_ms) - scale.x(signs[from].t_ms) > NEAR);
        if ends {
            groups.push(&signs[from..at]);
            from = at;
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from_ms: u64, to_ms: u64) -> Bar {
        let (class, title) = ("f-fail", "a <b> \u{202e}".to_owned());
        Bar { from_ms, to_ms, class, y: 2, height: 10, title }
    }

    fn drawn(bars: &[Bar], signs: &[Sign]) -> String {
        let scale = Scale::new(100_000, chrono::DateTime::UNIX_EPOCH);
        Track { scale: &scale, height: 14, title: "row", bars, told: 150, signs }.draw().into_string()
    }

    #[test]
    fn what_lasted_a_moment_is_still_seen() {
        let track = drawn(&[bar(10_000, 10_001), bar(100_000, 100_000)], &[]);
        assert!(track.contains("x='10%' y='2' width='0.15%'"), "{track}");
        assert!(track.contains("x='99.85%'"), "{track}");
        assert!(track.contains("a &lt;b&gt; &lt;U+202E&gt;"), "{track}");
    }

    #[test]
    fn a_thousand_bars_are_one_shape() {
        let bars: Vec<_> = (0..5_000).map(|at| bar(at * 20, at * 20 + 10)).collect();
        let track = drawn(&bars, &[]);
        assert_eq!(track.matches("<path").count(), 1);
        assert!(track.len() < 60_000, "{}", track.len());
    }

    #[test]
    fn signs_on_each_other_are_told_together_and_a_failure_is_what_is_seen() {
        let sign = |t_ms, glyph, class| Sign { t_ms, glyph, class, title: format!("at {t_ms}") };
        let signs = [sign(0, "·", "dim"), sign(1_000, "✗", "fail"), sign(50_000, "·", "dim")];
        let track = drawn(&[], &signs);
        assert_eq!(track.matches("<text").count(), 2, "{track}");
        assert!(track.contains("✗<title>2 together: at 0 · at 1000</title>"), "{track}");
    }
}
