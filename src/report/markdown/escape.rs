//! Text that others wrote, in Markdown: what it says is seen, and nothing in it is Markdown or HTML.

use crate::text;

/// Characters that mean something wherever they stand.
const ANYWHERE: &[char] = &['\\', '`', '*', '_', '[', ']', '|', '~', '$'];

/// The text as part of a line: no line break, no marks, no tags, no links.
pub(in crate::report) fn inline(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len() + 8);
    for (at, c) in line.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Bare addresses would become links.
            '/' if line[..at].ends_with(':') => out.push_str("\\/"),
            '.' if line[..at].to_ascii_lowercase().ends_with("www") => out.push_str("\\."),
            _ if ANYWHERE.contains(&c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    begin(out)
}

/// A line's beginning may make a heading, a list or a rule of it.
fn begin(line: String) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let at = match line.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => digits,
        Some(b'#' | b'+' | b'-' | b'=' | b':') if digits == 0 => 0,
        _ => return line,
    };
    format!("{}\\{}", &line[..at], &line[at..])
}

/// The text as code within a line.
pub(in crate::report) fn code(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return String::new();
    }
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Without the spaces a fence would join a backtick, and a space at both ends would be taken away.
    let pad = if line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// The text as code in a cell of a table, where a bar ends the cell even within code.
pub(in crate::report) fn code_cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Lines as a block of code, which no line in it can end.
pub(in crate::report) fn fence(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2);
    let fence = "`".repeat(longest + 1);
    let lines: String = text::safe_lines(text).map(|line| format!("{line}\n")).collect();
    format!("{fence}{language}\n{lines}{fence}")
}

/// Line breaks as spaces, everything else that cannot be seen made visible.
fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| text::safe(line.trim())).filter(|l| !l.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markdown_or_html() {
        for (text, escaped) in [
            ("plain, with 3.5 s - and so on", "plain, with 3.5 s - and so on"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a | b\n| --- |\r\n# c", "a \\| b \\| --- \\| # c"),
            ("# a", "\\# a"),
            ("- a", "\\- a"),
            ("12. a", "12\\. a"),
            ("3.5 s", "3\\.5 s"),
            ("[a](http://b)", "\\[a\\](http:\\//b)"),
            ("www.example.org", "www\\.example.org"),
            ("**a** _b_ `c` ~d~ $e$ \\f", "\\*\\*a\\*\\* \\_b\\_ \\`c\\` \\~d\\~ \\$e\\$ \\\\f"),
            ("&lt;", "&amp;lt;"),
            ("\u{1b}[31mred\u{202e}", "^\\[\\[31mred&lt;U+202E&gt;"),
            ("\n\n", ""),
        ] {
            assert_eq!(inline(text), escaped);
        }
    }

    #[test]
    fn code_ends_where_the_text_ends() {
        assert_eq!(code("echo hi"), "`echo hi`");
        assert_eq!(code("echo `date`"), "`` echo `date` ``");
        assert_eq!(code("a ``` b"), "````a ``` b````");
        assert_eq!(fence("a\n```\nb", "diff"), "````diff\na\n```\nb\n````");
        assert_eq!(code("a\nb"), "`a b`");
        assert_eq!(code(""), "");
        assert_eq!(code_cell("a | b"), "`a \\| b`");
    }
}
