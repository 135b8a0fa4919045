//! What a panel shows that fills the screen: nothing in it is cut.

use super::*;
use crate::event::{EventKind, Health, NoteTag};

/// The words of the panel on a screen, however they are wrapped.
fn words(screen: &str) -> String {
    let lines = screen.lines().filter_map(|line| line.strip_prefix('┃'));
    let lines = lines.map(|line| line.trim_matches(['┃', ' ']));
    lines.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn zoomed(focus: Pane) -> View {
    let mut view = View::default();
    (view.focus, view.zoom) = (focus, true);
    view
}

#[test]
fn a_panel_that_fills_the_screen_shows_long_words_whole() {
    let mut story = Story::running();
    let reason =
        "status 503, expected 200, as the old one has said since the day before yesterday at noon and more";
    story.turn("new-readyz", Health::Failing, reason);
    let note = format!("{} is what the release manager said of it on the bridge at last", "x".repeat(150));
    story.tell(EventKind::NoteAdded { tag: NoteTag::Decision, text: note.clone() });
    let view = |focus| {
        let mut view = zoomed(focus);
        view.check = Some("new-readyz".into());
        view
    };
    for (width, height) in [(120, 36), (80, 24)] {
        let screen = text(&draw(&story, &mut view(Pane::Audit), &Theme::dark(), width, height));
        assert!(
            words(&screen).contains("is what the release manager said of it on the bridge at last"),
            "{screen}"
        );
        assert!(words(&screen).replace(' ', "").contains(&"x".repeat(150)), "{screen}");
        let screen = text(&draw(&story, &mut view(Pane::Checks), &Theme::dark(), width, height));
        let column: Vec<&str> = reason.split(' ').filter(|word| !screen.contains(word)).collect();
        assert!(column.is_empty(), "{column:?} of the reason are not in\n{screen}");
        assert!(!words(&screen).contains('…'), "{screen}");
    }
}

#[test]
fn a_long_title_is_whole_where_there_is_room_and_in_any_case_where_the_list_fills_the_screen() {
    let mut story = Story::go();
    let mut runbook = (**story.state.runbook.as_ref().expect("it has one")).clone();
    let title = "Turn every tenant over to the new cluster, eldest first";
    runbook.stages[1].title = title.to_owned();
    story.state.runbook = Some(runbook.into());
    let shows = |view: &mut View, width, height| {
        let screen = text(&draw(&story, view, &Theme::dark(), width, height));
        title.split(' ').all(|word| screen.contains(word))
    };
    assert!(shows(&mut View::default(), 120, 36));
    assert!(shows(&mut zoomed(Pane::Stages), 80, 24));
    assert!(shows(&mut zoomed(Pane::Stages), 60, 15));
}
