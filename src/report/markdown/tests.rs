use std::sync::Arc;

use super::*;
use crate::event::{EventKind, NoteTag};
use crate::report::testing::{Story, cutover};

#[test]
fn a_cutover_as_it_is_pasted_into_a_ticket() {
    insta::assert_snapshot!(markdown(&cutover().report()));
}

#[test]
fn every_proof_override_note_and_digest_is_in_it() {
    let report = cutover().report();
    let text = markdown(&report);
    let steps = report.stages.iter().flat_map(|stage| stage.steps.iter().chain(&stage.rollback));
    for step in steps.chain(&report.way_back.steps) {
        for attempt in &step.attempts {
            assert!(attempt.proofs.iter().all(|proof| text.contains(&inline(&proof.expected))));
            assert!(attempt.output.iter().all(|output| text.contains(&output.sha256)));
        }
    }
    for what in ["the window closes at 08:10", "first orders seen", "customers complain", &"cc".repeat(32)] {
        assert!(text.contains(what), "{what}");
    }
}

/// What a hostile program or person would like to write.
const HOSTILE: &str = "x</summary></details><img src=x onerror=alert(1)>\n\n# h\n| a | b |\n```\n[l](javascript:x)\u{1b}[2J\u{202e}";

/// The line without its spans of code, as Markdown reads them: a run of backticks ends with the next as long.
fn without_code(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        let run = rest[at..].bytes().take_while(|byte| *byte == b'`').count();
        let (before, behind) = (&rest[..at], &rest[at + run..]);
        out.push_str(before);
        let ends = behind.match_indices('`').map(|(end, _)| end).find(|end| {
            let as_long = behind[*end..].bytes().take_while(|byte| *byte == b'`').count() == run;
            as_long && !behind[..*end].ends_with('`')
        });
        rest = match ends.filter(|_| !before.ends_with('\\')) {
            Some(end) => &behind[end + run..],
            None => behind,
        };
    }
    out + rest
}

#[test]
fn no_text_that_others_wrote_is_markdown_or_html() {
    let mut story = cutover();
    let close = story.events.pop().expect("it was closed");
    story.person(619_000, "opsB", EventKind::NoteAdded { tag: NoteTag::Bug, text: HOSTILE.to_owned() });
    story.events.push(close);
    for event in &mut story.events {
        match &mut Arc::make_mut(event).event {
            EventKind::StepStarted { what, .. } => HOSTILE.clone_into(what),
            EventKind::StepFinished(finish) => {
                for proof in &mut finish.proofs {
                    HOSTILE.clone_into(&mut proof.seen);
                }
                HOSTILE.clone_into(&mut finish.why);
                finish.captures.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
            }
            EventKind::CheckChanged { reason, .. } => HOSTILE.clone_into(reason),
            EventKind::Promoted { reason, overridden, .. } => {
                *reason = Some(HOSTILE.to_owned());
                overridden.push(HOSTILE.to_owned());
            }
            EventKind::EvidenceAdded { source, path, .. } => {
                HOSTILE.clone_into(source);
                HOSTILE.clone_into(path);
            }
            _ => {}
        }
    }
    let text = markdown(&story.report());
    // Of HTML there is only our own, of headings only ours, and every row of a table has its cells.
    for line in text.lines() {
        let bare = without_code(line);
        let ours = ["<details><summary>", "</summary>", "</details>"];
        let rest = ours.iter().fold(bare, |line, tag| line.replace(tag, "")).replace("\\]", "");
        assert!(!rest.contains('<'), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line}");
        assert!(!line.starts_with("# h") && !rest.contains("](j"), "{line}");
        if line.starts_with('|') {
            let bars = line.replace("\\|", "").matches('|').count();
            assert!([5, 8].contains(&bars), "{line}");
        }
    }
}

#[test]
fn a_session_that_has_just_begun_says_that_this_is_so_far() {
    let begun = Story { events: cutover().events[..3].to_vec(), samples: Vec::new() };
    let text = markdown(&begun.report());
    assert!(text.starts_with("# ACKNOWLEDGING, so far: Move orders"), "{text}");
    assert!(text.contains("nobody"), "{text}");
}
