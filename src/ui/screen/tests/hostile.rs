//! Text that means harm, wherever somebody else may have written: on every panel and every popup no cell holds anything
//! that could deceive. A plain run deals the payloads out over the places, another hand each time; with
//! `GONOGO_TEST_ALL` in the environment every payload comes to every place.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

use super::situations;
use super::sizes::all;
use crate::text::is_allowed;
use crate::ui::testing::{Evil, Scene, payloads};
use crate::ui::theme::Theme;

const SIZES: [(u16, u16); 3] = [(60, 15), (80, 24), (120, 36)];

/// A character, eight marks on it, and which of its pictures is meant: with more it is a flood.
const MOST: usize = 10;

/// How many hands are dealt, each of which begins further on among the payloads.
fn hands(few: usize) -> impl Iterator<Item = usize> {
    let hands = if all() { payloads().len() } else { few };
    (0..hands).map(move |hand| hand * payloads().len() / hands)
}

/// Nothing in any cell but what may be shown, and nothing that takes another cell's place.
fn is_clean(what: &str, size: (u16, u16), buf: &Buffer) {
    for row in buf.content().chunks(buf.area.width.into()) {
        for (x, cell) in row.iter().enumerate() {
            let symbol = cell.symbol();
            let fits = symbol.chars().all(is_allowed) && symbol.chars().count() <= MOST;
            assert!(fits, "{what} at {size:?}: {symbol:?}");
            match symbol.width() {
                0 | 1 => {}
                2 => assert!(
                    row.get(x + 1).is_some_and(|next| next.symbol() == " "),
                    "{what} at {size:?}: {symbol:?} has no room"
                ),
                wide => panic!("{what} at {size:?}: {symbol:?} takes {wide} columns"),
            }
        }
    }
}

fn draw_everywhere(scenes: impl Fn() -> Vec<Scene>, few: usize) {
    let theme = Theme::dark();
    for hand in hands(few) {
        for (number, mut scene) in scenes().into_iter().enumerate() {
            Evil(hand + number * 7).fill(&mut scene);
            for (n, pane) in scene.view.board.panes().iter().enumerate() {
                scene.view.focus = *pane;
                for size in
                    SIZES.into_iter().skip(if all() { 0 } else { n % 3 }).take(if all() { 3 } else { 1 })
                {
                    let what = format!("{} {pane:?} hand {hand}", scene.name);
                    is_clean(&what, size, &scene.draw(&theme, size));
                }
            }
        }
    }
}

#[test]
fn there_are_hundreds_of_payloads() {
    let mut all = payloads().to_vec();
    all.sort();
    all.dedup();
    assert!(all.len() >= 300 && all.len() == payloads().len(), "{} of {}", all.len(), payloads().len());
}

#[test]
fn no_hostile_text_reaches_a_cell_of_the_cockpit() {
    draw_everywhere(situations::cockpit, 8);
}

#[test]
fn no_hostile_text_reaches_a_cell_of_a_recording() {
    draw_everywhere(situations::recordings, 12);
}

#[test]
fn no_hostile_output_reaches_a_cell() {
    let mut lines: Vec<u8> = payloads().iter().flat_map(|text| [text.as_bytes(), b"\n"].concat()).collect();
    // What is no text at all, and what is text only for another decoder.
    for bytes in [
        &b"\xff\xfe\x00"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf4\x90\x80\x80",
        b"\x9b31m\x9d0;t\x9c",
        b"\xe2\x80",
        b"\0\0\0",
    ] {
        lines.extend([b"a", bytes, b"b\n"].concat());
    }
    for zoom in [false, true] {
        let mut scene =
            situations::cockpit().remove(3).focused(crate::ui::view::Pane::Output).printing(&lines);
        scene.view.zoom = zoom;
        let theme = Theme::dark();
        for size in SIZES {
            scene.draw(&theme, size);
            let rows = scene.view.rows(crate::ui::view::Pane::Output);
            for up in 0..400 {
                is_clean("output", size, &scene.draw(&theme, size));
                scene.view.left = up % 5 * 7;
                scene.view.output.scroll(if up < 399 { -3 } else { 100_000 }, rows);
            }
        }
    }
}

#[test]
fn no_hostile_text_reaches_a_cell_of_a_popup() {
    let theme = Theme::dark();
    for hand in hands(4) {
        for (number, (mut scene, open)) in situations::popups().into_iter().enumerate() {
            // Opened before it turned evil, since names lead to it; and after, where it opens still.
            let before = open(&scene.cx()).expect("it opens here");
            let mut evil = Evil(hand + number * 5);
            evil.fill(&mut scene);
            let after = open(&scene.cx()).ok();
            for mut popup in after.into_iter().chain([before]) {
                popup.paste(&evil.text());
                scene.view.popup = Some(popup);
                for size in SIZES.into_iter().chain([(20, 8)]) {
                    is_clean(&format!("{} hand {hand}", scene.name), size, &scene.draw(&theme, size));
                }
            }
        }
    }
}
