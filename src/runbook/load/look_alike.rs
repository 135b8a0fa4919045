//! `W006`, the other half: characters that can be seen, and pass for others where it matters what is run and where.

use super::tree::{Node, Value};
use crate::runbook::codes::Code;
use crate::runbook::diagnostic::{Diagnostic, Findings};

/// The keys whose text is executed, or connected to.
const EXECUTED: [&str; 8] = ["run", "command", "argv", "http", "url", "tcp", "request", "user"];

/// Judges every text that is executed or connected to.
pub fn lint(node: &Node, findings: &mut Findings) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| lint(item, findings)),
        Value::Table(entries) => {
            for entry in entries {
                if EXECUTED.contains(&entry.key.as_str()) {
                    entry.node.items().iter().for_each(|item| judge(item, findings));
                }
                lint(&entry.node, findings);
            }
        }
        _ => {}
    }
}

fn judge(node: &Node, findings: &mut Findings) {
    let Some(text) = node.as_str() else { return };
    let space = text.chars().find(|c| c.is_whitespace() && !c.is_ascii());
    // A word in another script is a word; one letter of it among Latin ones is a trap.
    let letter = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
        .find_map(|word| word.chars().find(|c| passes_for_latin(*c)));
    if let Some(c) = space.or(letter) {
        let message = format!("`{c}` (U+{:04X}) looks like another character", u32::from(c));
        findings.add(
            Diagnostic::new(Code::Invisible, node.span.clone(), message)
                .help("retype it by hand: what is read is not what would be run"),
        );
    }
}

/// Greek, Cyrillic, Armenian, Cherokee, full-width and mathematical letters: drawn like Latin ones.
fn passes_for_latin(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::load::tree::parse;

    fn is_warned(run: &str) -> bool {
        let mut findings = Findings::default();
        let root = parse(
            &format!("[[stage]]\n[[stage.step]]\nrun = {run}\ntitle = \"m\u{430}ke\"\n"),
            &mut findings,
        );
        lint(&root, &mut findings);
        let found = findings.into_sorted();
        assert!(found.iter().all(|d| d.code == Code::Invisible));
        !found.is_empty()
    }

    #[test]
    fn a_letter_or_space_that_passes_for_another_is_named_and_another_script_is_not() {
        assert!(
            is_warned("[\"m\u{430}ke\"]") && is_warned("\"make\u{a0}all\"") && is_warned("\"/srv/g\u{3bf}\"")
        );
        assert!(!is_warned("[\"größe\", \"привет\"]") && !is_warned("\"make all\""));
    }
}
