//! The window over files of any size, with reads counted.

use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::*;
use crate::feed::OutputReader;
use crate::ui::search::{Search, Way};
use crate::ui::sift::Sift;

fn file(lines: usize) -> Vec<u8> {
    (0..lines).flat_map(|n| format!("line {n:06}\n").into_bytes()).collect()
}

fn source() -> Source {
    Source { step: StepId::from("a.b"), attempt: 1 }
}

fn looking(total: u64) -> Output {
    Output { source: Some(source()), total, ..Output::default() }
}

/// Reads until nothing is wanted; returns how many pieces it took.
fn fill(output: &mut Output, file: &[u8], rows: usize) -> usize {
    let mut pieces = 0;
    while let Some(wanted) = output.wanted(rows) {
        pieces += 1;
        assert!(pieces < 20, "wants more and more: {wanted:?}");
        let from = usize::try_from(wanted.offset).unwrap().min(file.len());
        let to = (from + wanted.len).min(file.len());
        let piece = OutputPiece {
            offset: wanted.offset,
            bytes: file[from..to].to_vec(),
            total: file.len() as u64,
            stderr: vec![(0, 12)],
        };
        output.take(&wanted.source, piece);
    }
    assert!(output.bytes.len() <= KEPT);
    pieces
}

fn shown(output: &Output, rows: usize) -> Vec<String> {
    output.shown(rows).map(|line| String::from_utf8_lossy(line.bytes).into_owned()).collect()
}

#[test]
fn the_tail_of_a_large_file_is_followed_with_few_reads() {
    let mut all = file(1_000_000);
    let mut output = looking(all.len() as u64);
    assert_eq!(fill(&mut output, &all, 3), 1);
    assert_eq!(shown(&output, 3), ["line 999997", "line 999998", "line 999999"]);
    all.extend(b"line more\n");
    output.total = all.len() as u64;
    assert_eq!(fill(&mut output, &all, 3), 1);
    assert_eq!(shown(&output, 1), ["line more"]);
}

#[test]
fn the_whole_file_is_reachable_and_memory_stays_small() {
    let all = file(100_000);
    let mut output = looking(all.len() as u64);
    fill(&mut output, &all, 10);
    let mut top = usize::MAX;
    while top > 0 {
        output.scroll(-2_000, 10);
        fill(&mut output, &all, 10);
        let now = shown(&output, 10)[0][5..].parse().unwrap();
        assert!(now < top, "goes up from {top} to {now}");
        top = now;
    }
    assert_eq!(shown(&output, 2), ["line 000000", "line 000001"]);
    assert_eq!(output.shown(2).map(|line| line.stderr).collect::<Vec<_>>(), [true, false]);
    while output.anchor != Anchor::Follow {
        output.scroll(2_000, 10);
        fill(&mut output, &all, 10);
    }
    assert_eq!(shown(&output, 1), ["line 099999"]);
}

#[test]
fn what_is_looked_at_stays_while_more_comes() {
    let mut all = file(1_000);
    let mut output = looking(all.len() as u64);
    fill(&mut output, &all, 4);
    output.scroll(-100, 4);
    let before = shown(&output, 4);
    all.extend(file(50_000));
    output.total = all.len() as u64;
    fill(&mut output, &all, 4);
    assert_eq!(shown(&output, 4), before);
    assert_eq!(output.unseen(), Some(50_000 * 12));
}

#[test]
fn a_line_without_end_is_shown_and_ends_no_memory() {
    let all = vec![b'x'; 3_000_000];
    let mut output = looking(all.len() as u64);
    fill(&mut output, &all, 5);
    assert_eq!(output.shown(5).count(), 1);
    output.anchor_at(1_000_000);
    fill(&mut output, &all, 5);
    assert_eq!(output.shown(5).count(), 1);
}

#[test]
fn a_file_that_is_not_there_is_asked_for_once() {
    let mut output = looking(500);
    assert_eq!(fill(&mut output, b"", 5), 1);
}

/// Serves a file that a test may let grow.
fn reader(file: &Arc<Mutex<Vec<u8>>>) -> OutputReader {
    let (requests, mut asked) = mpsc::channel::<crate::feed::ReadOutput>(1);
    let file = Arc::clone(file);
    tokio::spawn(async move {
        while let Some(read) = asked.recv().await {
            let file = file.lock().unwrap().clone();
            let from = usize::try_from(read.offset).unwrap().min(file.len());
            let bytes = file[from..(from + read.len).min(file.len())].to_vec();
            let total = file.len() as u64;
            let _ = read.answer.send(OutputPiece { offset: read.offset, bytes, total, stderr: vec![] });
        }
    });
    OutputReader::new(requests)
}

/// Looks until everything that is asked for is here; how the last hunt went.
async fn settle(output: &mut Output, reader: &OutputReader, rows: usize) -> Option<Went> {
    let mut went = None;
    for _ in 0..2_000 {
        let Some(look) = output.look(rows) else { return went };
        match output.looked(look.run(reader).await) {
            Went::On => {}
            other => went = Some(other),
        }
    }
    panic!("it looks and looks: {:?}", output.look(rows));
}

fn words(filter: &str, search: &str) -> Sift {
    Sift { filter: Search::new(filter), search: Search::new(search) }
}

/// `count` lines, of which every hundredth has an error.
fn log(count: usize) -> Vec<u8> {
    let line = |n| format!("{n:07} {}\n", if n % 100 == 7 { "ERROR it broke" } else { "all is well" });
    (0..count).flat_map(|n| line(n).into_bytes()).collect()
}

#[tokio::test]
async fn a_filter_keeps_matching_lines_of_a_file_of_any_size_and_counts_them() {
    let file = Arc::new(Mutex::new(log(300_000)));
    let reader = reader(&file);
    let mut output = looking(file.lock().unwrap().len() as u64);
    output.sift(&words("error", "0:07"));
    output.sift(&words("error", "99907"));
    assert_eq!(settle(&mut output, &reader, 5).await, None);
    let last: Vec<String> = shown(&output, 5);
    assert_eq!(last.first().unwrap(), "0299507 ERROR it broke");
    assert_eq!(last.last().unwrap(), "0299907 ERROR it broke");
    assert_eq!(output.kept_count(), Some(Count { lines: 3_000, counted: None }));
    assert_eq!(output.found_count(), Some(Count { lines: 3, counted: None }));
    assert!(output.sifted.kept.len() < 1_100);

    // Up and down by lines, to the top, and to the end again.
    output.scroll(-2, 5);
    settle(&mut output, &reader, 5).await;
    assert_eq!(shown(&output, 5)[0], "0299307 ERROR it broke");
    output.anchor_at(0);
    settle(&mut output, &reader, 5).await;
    assert_eq!(shown(&output, 2), ["0000007 ERROR it broke", "0000107 ERROR it broke"]);
    for _ in 0..600 {
        output.scroll(4, 5);
        settle(&mut output, &reader, 5).await;
    }
    assert_eq!(shown(&output, 1), ["0240007 ERROR it broke"]);
    assert!(output.sifted.kept.len() < 1_100);
    output.anchor = Anchor::Follow;
    settle(&mut output, &reader, 5).await;
    assert_eq!(shown(&output, 5), last);

    // What comes is kept or not, a line without an end too, which counts once.
    file.lock().unwrap().extend(b"0300000 nothing\n0300001 one more ERROR");
    output.total = file.lock().unwrap().len() as u64;
    settle(&mut output, &reader, 5).await;
    assert_eq!(shown(&output, 1), ["0300001 one more ERROR"]);
    assert_eq!(output.kept_count(), Some(Count { lines: 3_001, counted: None }));
    file.lock().unwrap().extend(b" and its end\n");
    output.total = file.lock().unwrap().len() as u64;
    settle(&mut output, &reader, 5).await;
    assert_eq!(shown(&output, 1), ["0300001 one more ERROR and its end"]);
    assert_eq!(output.kept_count(), Some(Count { lines: 3_001, counted: None }));

    // Without the filter the line stays where it is, among the others.
    output.anchor_at(7 * 20);
    output.sift(&words("", ""));
    assert_eq!((output.look(5).is_none(), output.kept_count()), (true, None));
}

#[tokio::test]
async fn a_search_goes_both_ways_among_what_is_shown_and_says_where_there_is_no_more() {
    let file = Arc::new(Mutex::new(log(100_000)));
    let reader = reader(&file);
    let len = file.lock().unwrap().len();
    let mut output = looking(len as u64);
    output.sift(&words("", "5007 error"));
    output.hunt(Way::Up, 5);
    assert!(output.hunting().is_some());
    assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Found));
    let file = file.lock().unwrap().clone();
    let on_top = |output: &Output| match output.anchor {
        Anchor::At(at) => String::from_utf8_lossy(&file[usize::try_from(at).unwrap()..][..12]).into_owned(),
        Anchor::Follow => "the end".to_owned(),
    };
    assert_eq!(on_top(&output), "0095007 ERRO");
    fill(&mut output, &file, 5);
    output.hunt(Way::Up, 5);
    assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Found));
    fill(&mut output, &file, 5);
    assert_eq!(on_top(&output), "0085007 ERRO");
    output.hunt(Way::Down, 5);
    assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Found));
    fill(&mut output, &file, 5);
    assert_eq!(on_top(&output), "0095007 ERRO");
    output.hunt(Way::Down, 5);
    assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Missed(Way::Down)));
    assert_eq!(on_top(&output), "0095007 ERRO");
    // Pressed again before what it led to was read, it goes on from there all the same.
    output.anchor_at(0);
    for _ in 0..3 {
        output.hunt(Way::Down, 5);
        assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Found));
    }
    assert_eq!(on_top(&output), "0025007 ERRO");
    // Among the lines of a filter that has none of them there is none.
    output.sift(&words("all is well", "error"));
    output.hunt(Way::Up, 5);
    assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Missed(Way::Up)));
    assert_eq!(output.found_count(), Some(Count { lines: 0, counted: None }));
}

#[tokio::test]
async fn what_was_asked_for_before_is_passed_over() {
    let file = Arc::new(Mutex::new(log(100_000)));
    let reader = reader(&file);
    let mut output = looking(file.lock().unwrap().len() as u64);
    output.sift(&words("", "error"));
    output.hunt(Way::Up, 5);
    let older = output.look(5).unwrap().run(&reader).await;
    output.sift(&words("", "well"));
    assert_eq!(output.looked(older), Went::Nowhere);
    assert_eq!(output.anchor, Anchor::Follow);
    let older = output.look(5).unwrap().run(&reader).await;
    output.go_back();
    assert_eq!(output.looked(older), Went::Nowhere);
}

#[tokio::test]
async fn a_line_without_end_is_looked_through_in_parts_and_a_match_on_their_border_is_found() {
    let mut long = vec![b'x'; 1_500_000];
    // On the border of parts that begin where the line does.
    long[256 * 1024 - 3..][..6].copy_from_slice(b"needle");
    let mut all = b"first line\n".to_vec();
    all.extend(&long);
    let file = Arc::new(Mutex::new(all.clone()));
    let reader = reader(&file);
    for way in [Way::Down, Way::Up] {
        let mut output = looking(all.len() as u64);
        output.sift(&words("", "needle"));
        if way == Way::Down {
            output.anchor_at(0);
        }
        fill(&mut output, &all, 5);
        output.hunt(way, 5);
        assert_eq!(settle(&mut output, &reader, 5).await, Some(Went::Found), "{way:?}");
        assert!(output.found_count().unwrap().lines >= 1);
    }
    // And a file that is told of and is not there is not looked for without end.
    let mut output = looking(5_000);
    output.sift(&words("x", "y"));
    file.lock().unwrap().clear();
    settle(&mut output, &reader, 5).await;
}

#[test]
fn wrapped_lines_are_all_passed_on_the_way_to_the_end() {
    let all: Vec<u8> = (0..40).flat_map(|n| format!("{n:02}{}\n", "x".repeat(28)).into_bytes()).collect();
    let mut output = looking(all.len() as u64);
    output.wrap(Some(10));
    fill(&mut output, &all, 7);
    // Three rows a line: two lines are whole on seven rows.
    assert_eq!(output.last_first(7), 38);
    output.anchor_at(0);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let top = output.first_shown(7);
        seen.extend(top..top + output.page(7));
        if output.anchor == Anchor::Follow {
            seen.extend(top..40);
            break;
        }
        let page = output.page(7);
        output.scroll(isize::try_from(page).unwrap(), 7);
    }
    assert_eq!(seen.len(), 40);
}
