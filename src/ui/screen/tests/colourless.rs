//! Without colour the screen says the same: no state is told by colour alone.

use ratatui::style::Color;

use super::situations;
use crate::event::Health;
use crate::session::{StageStatus, StepStatus};
use crate::ui::testing::{PROMISED, Scene, Story, text};
use crate::ui::theme::Theme;
use crate::ui::view::Pane;

/// All scenes, popups opened.
fn all() -> Vec<Scene> {
    let mut all = situations::cockpit();
    all.extend(situations::recordings());
    all.extend(situations::panels());
    all.extend(situations::popups().into_iter().map(|(scene, open)| scene.under(open)));
    all
}

#[test]
fn every_screen_has_the_same_text_with_and_without_colour() {
    let themes = ["dark", "light", "contrast", "blue-orange", "mono"];
    let themes = themes.map(|name| Theme::built_in(name).expect("it comes along"));
    for mut scene in all() {
        for size in PROMISED {
            let drawn = themes.each_ref().map(|theme| scene.draw(theme, size));
            let [rest @ .., mono] = &drawn;
            for coloured in rest {
                assert_eq!(text(coloured), text(mono), "{} at {size:?}", scene.name);
            }
            let coloured =
                mono.content().iter().find(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset));
            assert_eq!(coloured, None, "{} at {size:?}", scene.name);
        }
    }
}

#[test]
fn every_screen_can_be_told_in_ascii() {
    let theme = Theme::mono().with_ascii();
    for mut scene in all() {
        for size in PROMISED {
            let screen = text(&scene.draw(&theme, size));
            assert!(screen.is_ascii(), "{} at {size:?}:\n{screen}", scene.name);
        }
    }
}

/// Holds that any two of the scenes differ in their text, in glyphs and in ASCII: whatever makes them differ has a word.
fn each_differs(what: &str, scenes: &mut [(String, Scene)]) {
    for size in PROMISED {
        for theme in [Theme::mono(), Theme::mono().with_ascii()] {
            let shown: Vec<(String, String)> = scenes
                .iter_mut()
                .map(|(name, scene)| (name.clone(), text(&scene.draw(&theme, size))))
                .collect();
            for (n, (name, screen)) in shown.iter().enumerate() {
                for (other, same) in &shown[..n] {
                    assert_ne!(screen, same, "{what} {name} looks like {other} at {size:?}:\n{screen}");
                }
            }
        }
    }
}

#[test]
fn the_health_of_a_check_is_a_word() {
    let mut scenes =
        [Health::Idle, Health::Pending, Health::Ok, Health::Failing, Health::Stale].map(|health| {
            let mut story = Story::running();
            // Nothing else differs: neither a reason nor a time.
            story.state.checks.get_mut("new-readyz").expect("it was polled").health = health;
            (format!("{health:?}"), Scene::live("check", story).focused(Pane::Checks))
        });
    each_differs("a check that is", &mut scenes);
}

#[test]
fn the_state_of_a_step_is_a_word() {
    use StepStatus::{Failed, Passed, Pending, Running, Skipped, Unknown, Waiting};
    let mut scenes = [Pending, Running, Waiting, Passed, Failed, Unknown, Skipped].map(|status| {
        let mut story = Story::running();
        story.state.steps.get_mut("switch.verify").expect("it runs").status = status;
        (format!("{status:?}"), Scene::live("step", story).focused(Pane::Steps))
    });
    each_differs("a step that is", &mut scenes);
}

#[test]
fn the_state_of_a_stage_is_a_word() {
    use StageStatus::{Active, AtGate, Passed, Pending, RolledBack, RollingBack, Skipped};
    let mut scenes = [Pending, Active, AtGate, Passed, RollingBack, RolledBack, Skipped].map(|status| {
        let mut story = Story::running();
        story.state.stages.get_mut("freeze").expect("it was entered").status = status;
        (format!("{status:?}"), Scene::live("stage", story).focused(Pane::Stages))
    });
    each_differs("a stage that is", &mut scenes);
}

#[test]
fn go_and_no_go_and_everything_that_holds_are_words() {
    let mut scenes: Vec<(String, Scene)> =
        situations::cockpit().into_iter().map(|scene| (scene.name.clone(), scene)).collect();
    each_differs("", &mut scenes);
}
