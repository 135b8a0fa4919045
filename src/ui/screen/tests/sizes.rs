//! Every size: 1 to 250 columns, 1 to 80 rows. A plain run draws those where a layout turns and a share of the rest, so
//! that each scene meets every kind of size; with `GONOGO_TEST_ALL` in the environment each scene is drawn at all 20,000
//! (some minutes with `cargo test --release`).

use crossterm::event::{KeyCode, KeyEvent};
use proptest::prelude::*;

use super::situations;
use crate::ui::testing::{Scene, Story};
use crate::ui::theme::Theme;
use crate::ui::update;

/// Each scene draws one size of so many, another one than its neighbours.
const SHARE: usize = 199;

/// Where a layout turns, by width and by height.
const TURNS: [(&[u16], &[u16]); 2] = [
    (&[1, 2, 3, 7, 12, 33], &[1, 2, 3, 4, 5, 6, 7]),
    (&[35, 36, 71, 72, 119, 120, 180, 250], &[5, 6, 13, 14, 19, 20, 29, 30, 40, 80]),
];

/// Whether everything is asked for, however long it takes.
pub fn all() -> bool {
    std::env::var_os("GONOGO_TEST_ALL").is_some()
}

fn sizes(number: usize) -> impl Iterator<Item = (u16, u16)> {
    let every = (1..=250).flat_map(|width| (1..=80).map(move |height| (width, height)));
    let of_share = move |(n, _): &(usize, (u16, u16))| all() || (n + number * 131).is_multiple_of(SHARE);
    let turns = TURNS.into_iter().flat_map(|(widths, heights)| {
        widths.iter().flat_map(|width| heights.iter().map(|height| (*width, *height)))
    });
    let mut turn = number;
    // Of the turns each scene meets every third.
    let turns = turns.filter(move |_| {
        turn += 1;
        turn.is_multiple_of(3)
    });
    every.enumerate().filter(of_share).map(|(_, size)| size).chain(turns)
}

/// Draws a scene at its sizes, each time with another panel in focus.
fn draw_sizes(number: usize, scene: &mut Scene) {
    let theme = Theme::dark();
    let panes = scene.view.board.panes();
    for (n, size) in sizes(number).enumerate() {
        scene.view.focus = panes[(n + number) % panes.len()];
        scene.view.zoom = n % 5 == 0;
        scene.draw(&theme, size);
    }
}

/// In two threads, for there are two tests beside this one.
fn halved(scenes: &mut [Scene]) {
    std::thread::scope(|threads| {
        let (left, right) = scenes.split_at_mut(scenes.len() / 2);
        for (half, first) in [(left, 0), (right, 1000)] {
            threads.spawn(move || {
                half.iter_mut().enumerate().for_each(|(n, scene)| draw_sizes(first + n, scene))
            });
        }
    });
}

#[test]
fn the_cockpit_is_drawn_at_every_size() {
    halved(&mut situations::cockpit());
}

#[test]
fn a_recording_is_drawn_at_every_size() {
    halved(&mut situations::recordings());
}

#[test]
fn every_popup_is_drawn_over_the_cockpit_at_every_size() {
    halved(&mut situations::popups().into_iter().map(|(scene, open)| scene.under(open)).collect::<Vec<_>>());
}

#[test]
fn even_the_smallest_screen_tells_state_step_and_number() {
    for (story, state, step) in [
        (Story::running(), "RUNNING", "switch.verify"),
        (Story::failed(), "FAILED", "switch.verify"),
        (Story::unknown(), "UNKNOWN", "switch.verify"),
    ] {
        let number = format!("#{:04}", story.state.seq);
        let mut scene = Scene::live("small", story);
        for size in (34..=59)
            .chain([60, 72, 119, 120, 250])
            .flat_map(|width| (2..15).map(move |height| (width, height)))
        {
            let screen = scene.text(size);
            for part in [state, step, &number] {
                assert!(screen.contains(part), "{part} at {size:?}:\n{screen}");
            }
        }
    }
}

/// What a hand may do to a terminal.
#[derive(Debug, Clone)]
enum Do {
    Resize(u16, u16),
    Press(KeyCode),
    Paste(String),
}

fn anything() -> impl Strategy<Value = Do> {
    let keys = "[1-9jkhlgGzZoftMynNrsxabcpPvH/?:w{}<> ]";
    let codes = prop_oneof![
        4 => keys.prop_map(|text| KeyCode::Char(text.chars().next().unwrap_or('j'))),
        1 => prop::sample::select(vec![KeyCode::Esc, KeyCode::Tab, KeyCode::Enter, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End]),
    ];
    prop_oneof![
        2 => (1..=250u16, 1..=80u16).prop_map(|(width, height)| Do::Resize(width, height)),
        1 => (1..=60u16, 1..=15u16).prop_map(|(width, height)| Do::Resize(width, height)),
        3 => codes.prop_map(Do::Press),
        1 => "\\PC{0,20}".prop_map(Do::Paste),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if all() { 2_000 } else { 60 }))]

    #[test]
    fn no_storm_of_sizes_and_keys_breaks_the_screen(number in 0..1_000usize, hands in prop::collection::vec(anything(), 1..30)) {
        let mut scenes = situations::cockpit();
        scenes.extend(situations::recordings());
        let at = number % scenes.len();
        let scene = &mut scenes[at];
        let (theme, mut size) = (Theme::dark(), (120, 36));
        for hand in hands {
            match hand {
                Do::Resize(width, height) => size = (width, height),
                Do::Paste(text) => update::paste(&mut scene.view, &text),
                Do::Press(code) => {
                    let mut view = std::mem::take(&mut scene.view);
                    update::key(&mut view, KeyEvent::from(code), &scene.cx());
                    scene.view = view;
                }
            }
            scene.draw(&theme, size);
        }
    }
}
