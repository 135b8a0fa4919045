//! Markup, and the only way to make it: every value that is put into a template is escaped, by its type. What others
//! wrote cannot become a tag, an attribute or a hidden character, whoever forgets to think of it.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write as _};

use crate::text;

/// A piece of a page. Nothing turns text into it but a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Adds a template with its values; for [`put!`] alone, which makes sure that each of them is [`Shown`].
    pub fn push(&mut self, filled: fmt::Arguments<'_>) {
        self.0.write_fmt(filled).expect("a String takes whatever is written");
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of the page.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Adds a template, a literal with `{}` for each value, to a [`Markup`]. A name inside of the braces does not compile:
/// it would go past the escaping.
macro_rules! put {
    ($markup:expr, $template:literal $(, $value:expr)* $(,)?) => {
        $markup.push(format_args!(concat!($template), $($crate::report::html::markup::Shown(&$value)),*))
    };
}

/// A template as [`Markup`] of its own.
macro_rules! html {
    ($($template:tt)*) => {{
        let mut markup = $crate::report::html::markup::Markup::default();
        $crate::report::html::markup::put!(markup, $($template)*);
        markup
    }};
}

pub(super) use {html, put};

/// What may stand in a page: it writes itself escaped.
pub trait Show {
    /// Writes the value such that it cannot end the text or the quoted attribute that it stands in.
    ///
    /// # Errors
    /// The formatter's own.
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

/// A value of a template on its way into it.
pub struct Shown<'a, T: ?Sized>(pub &'a T);

impl<T: Show + ?Sized> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

impl Show for str {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        escape(&text::safe(self), f)
    }
}

impl Show for Markup {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Show for String {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_str().show(f)
    }
}

impl Show for Cow<'_, str> {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_ref().show(f)
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (*self).show(f)
    }
}

/// Nothing, where there is nothing.
impl<T: Show> Show for Option<T> {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |value| value.show(f))
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Show for $number {
            fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
                Display::fmt(self, f)
            }
        }
    )*};
}
numbers!(u32, u64, usize, i32, i64, f64);

/// Text of several lines, for where line breaks are kept.
pub struct Lines<'a>(pub &'a str);

impl Show for Lines<'_> {
    fn show(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, line) in text::safe_lines(self.0).enumerate() {
            if number > 0 {
                f.write_char('\n')?;
            }
            escape(&line, f)?;
        }
        Ok(())
    }
}

fn escape(mut rest: &str, f: &mut Formatter<'_>) -> fmt::Result {
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        f.write_str(&rest[..at])?;
        f.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    f.write_str(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_leave_its_place() {
        let hostile = "</title><script>alert('1' & \"2\")</script>]]>-->";
        let page = html!("<p title='{}'>{}</p>", hostile, hostile).into_string();
        assert_eq!(page.matches('<').count(), 2, "{page}");
        assert_eq!(page.matches('\'').count(), 2, "{page}");
        assert!(!page.contains('"'), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)"), "{page}");
    }

    #[test]
    fn what_would_hide_or_move_is_made_visible() {
        let page = html!("{} {}", "\u{1b}[31mred\u{202e}", Lines("a\tb\r\n\u{200b}\0<")).into_string();
        assert_eq!(page, "^[[31mred&lt;U+202E&gt; a       b\n&lt;U+200B&gt;^@&lt;");
    }

    #[test]
    fn markup_goes_in_as_it_is_and_nothing_as_nothing() {
        let cell = html!("<b>{}</b>", 1.25);
        let mut row = html!("<td>{}{}{:.1}", cell, None::<&str>, 2.0);
        put!(row, "</td>");
        assert_eq!(row.into_string(), "<td><b>1.25</b>2.0</td>");
    }
}
