//! Searching and filtering a long output from a cockpit on a real terminal.

use crate::desk::Desk;
use crate::headless;

const RUNBOOK: &str = r#"
id = "long"
title = "A step that prints a lot"

[check.here]
file = "/etc/passwd"
period = "200ms"

[[stage]]
id = "only"
watch = ["here"]
  [[stage.step]]
  id = "counts"
  run = "seq -f 'line %.0f' 300000; printf 'the last, without an end'"
  expect.matches = ['without an end']
"#;

const ANSWERS: &str = "advance = true\n[on_hold]\ndefault = \"stop\"\n";

#[tokio::test]
async fn a_long_output_is_filtered_and_searched_to_both_its_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = headless::run(folder.path(), "long", RUNBOOK, ANSWERS).status();
    assert!(ran.expect("gonogo runs").success());

    let mut desk = Desk::new(&headless::state(folder.path()), &["replay", "long"], 160, 40);
    desk.shows("REPLAY (read-only)").await;
    desk.press("G").await;
    desk.shows("| the last, without an end").await;
    desk.press("\t\tz").await;
    desk.shows("FOLLOW").await;
    // Only the lines with these words, in order, and how many there are.
    desk.press("f99999\r").await;
    desk.shows("f 99999 3 kept").await;
    desk.until("the three lines and nothing else", |screen| {
        let at = |line: &str| screen.find(line);
        let kept = [at("| line 99999 "), at("| line 199999 "), at("| line 299999 ")];
        kept.iter().all(Option::is_some) && kept.is_sorted() && !screen.contains("the last, without")
    })
    .await;
    // A search among them, and what it misses.
    desk.press("/line 1\r").await;
    desk.shows("/line 1 1 found").await;
    desk.shows("PAUSED").await;
    desk.press("n").await;
    desk.shows("no match below").await;
    // First the search goes, then the filter; the line that was found stays where it is.
    desk.press("\x1b").await;
    desk.until("no search", |screen| !screen.contains("/line 1")).await;
    desk.press("\x1b").await;
    desk.until("all lines round it", |screen| {
        screen.contains("| line 199999 ") && screen.contains("| line 200000 ")
    })
    .await;
    desk.press("/line 7\r").await;
    desk.shows("no match below").await;
    desk.press("N").await;
    desk.shows("| line 79999 ").await;
    desk.press("g").await;
    desk.press("g").await;
    desk.shows("| line 1 ").await;
    desk.shows(" 0% of ").await;
    // The end is followed again.
    desk.press("\x1b[F").await;
    desk.shows("| the last, without an end").await;
    desk.shows("FOLLOW").await;
    desk.press("q").await;
    assert_eq!(desk.leaves().await, Some(0));
    desk.spoke_only_our_grammar();
}
