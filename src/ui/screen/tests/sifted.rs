//! What is searched for, kept and copied of what is on the screen.

use super::*;
use crate::event::Health;
use crate::ui::copy::{self, Extent};

#[test]
fn a_panel_says_in_its_title_what_is_searched_for_and_how_much_of_it_there_is() {
    let mut story = Story::running();
    story.turn("new-readyz", Health::Failing, "status 503, expected 200");
    let mut view = looking(&mut story, "switch.verify", OUTPUT);
    let words = |words| crate::ui::search::Search::new(words);
    let theme = Theme::dark();
    view.sift_mut(Pane::Checks).filter = words("new");
    view.sift_mut(Pane::Checks).search = words("503");
    view.sift_mut(Pane::Stages).filter = words("nowhere");
    let buf = draw(&story, &mut view, &theme, 200, 60);
    let screen = text(&buf);
    let all = story.state.runbook.as_ref().unwrap().checks.len();
    assert!(screen.contains(&format!("f new 2 of {all}  /503 1 found")), "{screen}");
    assert!(screen.contains("f nowhere 0 of ") && screen.contains("POINT OF NO RETURN"), "{screen}");
    let marked = buf.content().iter().filter(|cell| cell.modifier.contains(theme.found.add_modifier));
    let marked: String = marked.map(Cell::symbol).collect();
    assert!(marked.contains("503"), "{marked}");
    // Nobody has looked through the output yet.
    view.sift_mut(Pane::Output).filter = words("WARN");
    let screen = text(&draw(&story, &mut view, &theme, 120, 36));
    assert!(screen.contains("f WARN looking at"), "{screen}");
    // Wrapped, a long line is there to its end.
    view.sift_mut(Pane::Output).filter = None;
    view.wrap = true;
    let screen = text(&draw(&story, &mut view, &theme, 60, 15));
    assert!(!screen.contains("W wrapped"), "another panel is in focus: {screen}");
    view.focus = Pane::Output;
    let screen = text(&draw(&story, &mut view, &theme, 60, 15));
    assert!(screen.contains("rows (expected >= 18") && screen.contains("000)  ok"), "{screen}");
}

#[test]
fn a_panel_is_copied_whole_whatever_the_screen_has_room_for() {
    let mut story = Story::running();
    let reason = format!("status 503, expected 200{}", ", as before".repeat(40));
    story.turn("new-readyz", Health::Failing, &reason);
    let mut view =
        looking(&mut story, "switch.verify", &format!("{}\u{1b}]52;c;eA==\u{7}\n", "long ".repeat(90)));
    let keymap = Keymap::default();
    let dark = Theme::dark();
    let ascii = Theme::dark().with_ascii();
    for (focus, extent, wanted) in [
        (Pane::Checks, Extent::Row, "new-readyz"),
        (Pane::Checks, Extent::Panel, reason.as_str()),
        (Pane::Stages, Extent::Panel, "POINT OF NO RETURN"),
        (Pane::Steps, Extent::Panel, "way back"),
        (Pane::WayBack, Extent::Panel, "last start"),
        (Pane::Audit, Extent::Panel, "#0001"),
        (Pane::Output, Extent::Row, "long long"),
        (Pane::Output, Extent::Panel, "| long"),
    ] {
        view.focus = focus;
        view.check = Some("new-readyz".into());
        for theme in [&dark, &ascii] {
            draw(&story, &mut view, theme, 60, 15);
            let (state, telemetry, now) = (&story.state, &story.telemetry, story.now);
            let cx = Context::shown(state, telemetry, now, &keymap);
            let screen = Screen { cx, view: &view, zone: Utc.fix(), theme };
            let copied = copy::text(&screen, extent).expect("something");
            assert!(copied.contains(wanted), "{focus:?} {extent:?}: {copied}");
            assert!(copied.chars().all(|c| c == '\n' || crate::text::is_allowed(c)), "{copied:?}");
            let one = copied.lines().count() == 1;
            assert_eq!(one, extent == Extent::Row, "{copied}");
        }
    }
    view.sift_mut(Pane::Crew).filter = crate::ui::search::Search::new("nobody of this name");
    view.focus = Pane::Crew;
    draw(&story, &mut view, &Theme::dark(), 60, 15);
    let (state, telemetry, now) = (&story.state, &story.telemetry, story.now);
    let cx = Context::shown(state, telemetry, now, &keymap);
    let screen = Screen { cx, view: &view, zone: Utc.fix(), theme: &Theme::dark() };
    assert_eq!(copy::text(&screen, Extent::Row), None);
}
