//! The screen as it looks, text and styles: a file for each scene at each promised size, in `pictures/`. Under the text
//! stands what each row's styles mean, by the roles of a theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::situations;
use crate::ui::popups::Context;
use crate::ui::testing::{PROMISED, Scene, meanings, picture};

fn hold(name: &str, size: (u16, u16), picture: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("pictures");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture));
}

fn hold_all(scenes: Vec<Scene>) {
    for mut scene in scenes {
        for size in PROMISED {
            let drawn = scene.draw(&meanings(), size);
            hold(&scene.name, size, &picture(&drawn));
        }
    }
}

#[test]
fn the_cockpit_looks_as_recorded() {
    hold_all(situations::cockpit());
}

/// High and not wide: the panels that else share one place have a row of their own.
#[test]
fn the_third_row_of_a_high_screen_looks_as_recorded() {
    let mut scenes = situations::cockpit();
    let scene = scenes.iter_mut().find(|scene| scene.name == "compared").expect("it is one of them");
    let size = (120, 50);
    hold("compared", size, &picture(&scene.draw(&meanings(), size)));
}

#[test]
fn a_recording_looks_as_recorded() {
    hold_all(situations::recordings());
}

#[test]
fn each_panel_looks_as_recorded() {
    hold_all(situations::panels());
}

/// Without the screen behind it, which has pictures of its own.
#[test]
fn each_popup_looks_as_recorded() {
    for (scene, open) in situations::popups() {
        let popup = open(&scene.cx()).expect("it opens here");
        for size in PROMISED {
            let area = Rect::new(0, 0, size.0, size.1);
            let mut buf = Buffer::empty(area);
            // As it looks once it has been read.
            let cx = scene.cx();
            let before = Context { watched_ms: cx.watched_ms - 500, ..cx };
            popup.render(area, &mut buf.clone(), &before, &meanings());
            popup.render(area, &mut buf, &cx, &meanings());
            hold(&scene.name, size, &picture(&buf));
        }
    }
}
