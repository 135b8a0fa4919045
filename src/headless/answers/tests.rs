//! What a file of answers may say, and where it is told what is wrong with it.

use super::*;
use crate::runbook::load::{Inputs, Missing, Source, load};
use crate::runbook::model::Host;

const RUNBOOK: &str = r#"
id = "move"
[[stage]]
id = "pre"
  [[stage.step]]
  id = "ready"
  confirm = "Ready?"
  note = "required"
  items = ["primary"]
  [stage.gate]
  accept = ["no alerts"]
"#;

fn read(text: &str) -> Result<Answers, String> {
    read_for(Mode::Rehearsal, text)
}

fn read_for(mode: Mode, text: &str) -> Result<Answers, String> {
    let source = Source { text: RUNBOOK.to_owned(), file: "r.toml".to_owned(), dir: "/r".into() };
    let host = Host { name: "h".to_owned(), os: "linux".to_owned(), arch: "x86_64".to_owned() };
    let inputs = Inputs { set: indexmap::IndexMap::new(), host, missing: Missing::Error };
    let loaded = load(&source, &inputs);
    parse("a.toml", text, &loaded.runbook.expect("the runbook loads"), mode)
}

#[test]
fn nobody_votes_by_a_file_in_a_live_session() {
    let votes = "[vote]\npre = [\"opsA\"]";
    assert_eq!(read(votes).expect("a rehearsal").vote["pre"][0].person, "opsA");
    let wrong = read_for(Mode::Live, votes).expect_err("people vote");
    assert!(wrong.starts_with("a.toml:2:1: error: in a live session people vote"), "{wrong}");
}

#[test]
fn the_way_back_is_rehearsed_from_a_stage_that_is_there_and_never_in_a_live_session() {
    let back = "roll_back_at = \"pre\"";
    assert_eq!(read(back).expect("a rehearsal").roll_back_at, Some("pre".into()));
    let wrong = read_for(Mode::Live, back).expect_err("people roll back");
    assert!(wrong.starts_with("a.toml:1:16: error: `roll_back_at` is for rehearsals"), "{wrong}");
    let wrong = read("roll_back_at = \"prelude\"").expect_err("no such stage");
    assert!(wrong.ends_with("the runbook has no stage `prelude`"), "{wrong}");
}

#[test]
fn an_empty_file_answers_nothing() {
    let answers = read("").expect("fine");
    assert!(!answers.acknowledge && !answers.advance && answers.confirm.is_empty());
    assert_eq!(answers.on_hold.default, HoldAnswer::Stop);
}

#[test]
fn whatever_fits_nothing_is_named_with_its_place() {
    let table = [
        ("advanse = true", "a.toml:1:1: error: unknown field `advanse`"),
        ("advance = true\ngate_within = \"soon\"", "a.toml:2:15: error: `gate_within` is no duration"),
        ("point_of_no_return = [\"pre\"]", "a.toml:1:23: error: the runbook has no point of no return `pre`"),
        ("[confirm]\n\"pre.redy\" = \"yes\"", "a.toml:2:1: error: the runbook has no question `pre.redy`"),
        (
            "[confirm]\n\"pre.ready\" = \"yes\"",
            "a.toml:2:15: error: the answer to `pre.ready` needs a `note`",
        ),
        (
            "[confirm]\n\"pre.ready\" = { answer = \"maybe\" }",
            "a.toml:2:15: error: an answer is \"yes\" or \"no\"",
        ),
        ("[confirm]\n\"pre.ready\" = { answer = \"yes\", nota = \"x\" }", "a.toml:2:15: error: an answer is"),
        (
            "[confirm]\n\"pre.ready\" = { answer = \"yes\", note = \"x\", items = [\"primry\"] }",
            "a.toml:2:15: error: `pre.ready` has no item \"primry\"",
        ),
        ("[tick]\npost = \"all\"", "a.toml:2:1: error: the runbook has no stage `post`"),
        ("[tick]\npre = [\"no alert\"]", "a.toml:2:1: error: `pre` has no item \"no alert\""),
        ("[vote]\npost = [\"opsA\"]", "a.toml:2:1: error: the runbook has no stage `post`"),
        (
            "[vote]\npre = [{ person = \"opsA\", role = \"db\" }]",
            "a.toml:2:1: error: the gate of `pre` asks for no role `db`",
        ),
        ("[on_hold]\n\"pre.x\" = \"stop\"", "a.toml:2:1: error: the runbook has no step `pre.x`"),
        ("[on_hold]\ndefault = \"shrug\"", "a.toml:2:11: error: unknown variant `shrug`"),
    ];
    for (text, expected) in table {
        let wrong = read(text).expect_err(text);
        assert!(wrong.starts_with(expected), "{text}\n  says  {wrong}\n  not   {expected}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let wrong = read("[tick]\na = \"all\"\nb = \"all\"\n[on_hold]\n\"c.d\" = \"stop\"").expect_err("three");
    assert_eq!(wrong.lines().count(), 3);
}
