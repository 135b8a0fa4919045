//! The characters to draw with.

use ratatui::symbols::border;

/// The characters to draw with: Unicode, or ASCII where the terminal cannot show it.
#[derive(Debug)]
pub struct Glyphs {
    pub ok: &'static str,
    pub fail: &'static str,
    pub stale: &'static str,
    pub warn: &'static str,
    pub ask: &'static str,
    pub pending: &'static str,
    pub running: &'static str,
    /// A recording that does not play.
    pub halted: &'static str,
    pub arrow: &'static str,
    pub enter: &'static str,
    pub ellipsis: &'static str,
    pub line: &'static str,
    /// From empty to full.
    pub spark: [&'static str; 7],
    /// In a sparkline, where a sample was bad.
    pub spark_bad: &'static str,
    /// In a sparkline, where some samples were bad and some good.
    pub spark_mixed: &'static str,
    /// In a sparkline, where samples are no longer kept.
    pub spark_dropped: &'static str,
    pub bar_full: &'static str,
    pub bar_part: &'static str,
    pub bar_empty: &'static str,
    pub plain: border::Set<'static>,
    pub thick: border::Set<'static>,
}

/// For a terminal with UTF-8.
pub static UNICODE: Glyphs = Glyphs {
    ok: "✓",
    fail: "✗",
    stale: "~",
    warn: "▲",
    ask: "?",
    pending: "·",
    running: "▶",
    halted: "‖",
    arrow: "→",
    enter: "⏎",
    ellipsis: "…",
    line: "═",
    spark: ["▁", "▂", "▃", "▄", "▅", "▆", "▇"],
    spark_bad: "✗",
    spark_mixed: "!",
    spark_dropped: "<",
    bar_full: "▓",
    bar_part: "▒",
    bar_empty: "░",
    plain: border::PLAIN,
    thick: border::THICK,
};

/// For `--ascii`, and for a locale that is not UTF-8.
pub static ASCII: Glyphs = Glyphs {
    ok: "+",
    fail: "x",
    stale: "~",
    warn: "!",
    ask: "?",
    pending: ".",
    running: ">",
    halted: "=",
    arrow: "->",
    enter: "enter",
    ellipsis: "...",
    line: "=",
    spark: [".", ".", "-", "-", "=", "=", "#"],
    spark_bad: "x",
    spark_mixed: "!",
    spark_dropped: "<",
    bar_full: "#",
    bar_part: "=",
    bar_empty: ".",
    plain: ASCII_BORDER,
    thick: ASCII_THICK,
};

const ASCII_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_THICK: border::Set = border::Set {
    horizontal_top: "=",
    horizontal_bottom: "=",
    vertical_left: "#",
    vertical_right: "#",
    ..ASCII_BORDER
};
