//! The tables of the samples' READMEs that say where each lie of the simulators is caught; each is told in turn.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::mapping::{marked, rows, switch};
use super::turns::side_by_side;
use super::{Ended, Rehearsal, all, folder, read, runbook};

/// A row of the table `| lie | caught at | says |`. A lie that only shows at the switch or behind it has a fourth
/// cell, `why not before`.
struct Lie {
    sample: String,
    name: String,
    /// A step, or a check that keeps a gate or the start shut.
    caught_at: String,
    /// A part of the sentence that an operator reads.
    says: String,
    late: bool,
}

fn lies(sample: &str) -> Vec<Lie> {
    let table = rows(&read(sample, "README.md"), &["lie", "caught at", "says"]);
    let first = |cell: &str| {
        marked(cell).next().unwrap_or_else(|| panic!("{sample}: no name in {cell:?}")).to_owned()
    };
    let lies = table.iter().map(|row| Lie {
        sample: sample.to_owned(),
        name: first(&row[0]),
        caught_at: first(&row[1]),
        says: row[2].trim_matches(['`', '"', '“', '”']).to_owned(),
        late: row.get(3).is_some_and(|why| !why.is_empty()),
    });
    let lies: Vec<Lie> = lies.collect();
    assert!(!lies.is_empty(), "{sample}: the README has no table of lies");
    lies
}

/// The lies that `setup.sh` lists in its head: columns of a name and what it does.
fn listed(sample: &str) -> BTreeSet<String> {
    let script = read(sample, "simulator/setup.sh");
    let lines = script.lines().filter_map(|line| line.strip_prefix("#   "));
    let cells = lines.flat_map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()));
    let is_name =
        |cell: &&str| cell.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    cells.filter(is_name).map(str::to_owned).collect()
}

/// What the scripts below a folder say, without the head in which the lies are listed.
fn scripts(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).expect("the simulator").flatten();
    let texts = entries.map(|entry| match entry.path() {
        path if path.is_dir() => scripts(&path),
        path => String::from_utf8_lossy(&std::fs::read(path).expect("a script")).into_owned(),
    });
    let texts: Vec<String> = texts.collect();
    let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_lies_of_a_simulator_are_those_of_its_table_and_its_scripts_know_each() {
    for sample in all() {
        let listed = listed(&sample);
        let table: BTreeSet<String> = lies(&sample).into_iter().map(|lie| lie.name).collect();
        assert_eq!(listed, table, "{sample}: setup.sh lists the ones, the README has the others");
        let scripts = scripts(&folder(&sample).join("simulator"));
        let unknown: Vec<&String> = listed.iter().filter(|lie| !scripts.contains(lie.as_str())).collect();
        assert!(unknown.is_empty(), "{sample}: no script knows {unknown:?}");
    }
}

#[test]
fn each_lie_of_each_sample_is_caught_where_its_table_says_with_the_sentence_that_it_says() {
    let lies: Vec<Lie> = all().iter().flat_map(|sample| lies(sample)).collect();
    let elsewhere = Mutex::new(Vec::new());
    side_by_side(&lies, |lie| {
        if let Err(why) = caught(lie, &told(lie)) {
            elsewhere.lock().expect("nobody panics with it").push((lie, why));
        }
    });
    // What is slow for a moment may be stopped by something else first, as by a trigger on a figure that nobody told in
    // time. That is no fault, but it proves nothing of the lie: it is told again, with no other beside it.
    let again = |(lie, why): (&Lie, String)| {
        eprintln!("{why}\n\nIt is told again, by itself.");
        caught(lie, &told(lie)).err()
    };
    let elsewhere = elsewhere.into_inner().expect("nobody panics with it").into_iter();
    let uncaught: Vec<String> = elsewhere.filter_map(again).collect();
    assert!(uncaught.is_empty(), "{}", uncaught.join("\n\n"));
}

/// A cutover to which the lie is told. Fails unless it stopped where it must.
fn told(lie: &Lie) -> Ended {
    let rehearsal = Rehearsal::of(&lie.sample).lie(&lie.name);
    let runbook = runbook(&lie.sample);
    let switch = switch(&read(&lie.sample, "README.md"));
    let mut undoing = runbook.stages.iter().flat_map(|stage| &stage.rollback).chain(&runbook.rollback.steps);
    let (ended, stopped) = if lie.late && undoing.any(|step| step.id.as_str() == lie.caught_at) {
        // What only the way back can see: it is stuck and says so, rather than pass for done.
        let last = runbook.stages.iter().rfind(|stage| stage.applies).expect("a stage");
        let ended = rehearsal.drive_back_from(last.id.as_str());
        let stuck = ended.code == 9;
        (ended, stuck)
    } else {
        let ended = rehearsal.drive();
        let stopped = match lie.late {
            true => ended.code == 4 && ended.entered(&switch),
            // It holds there, or goes back by itself where a trigger is armed for just that.
            false => [3, 4].contains(&ended.code) && !ended.touched(&switch),
        };
        (ended, stopped)
    };
    assert!(stopped, "{}", tell(lie, "it did not stop where it must", &ended));
    ended
}

/// Whether its sentence was said by whom the table names; else what was said instead.
fn caught(lie: &Lie, ended: &Ended) -> Result<(), String> {
    let Lie { sample, caught_at, says, .. } = lie;
    let wrong = if caught_at.contains('.') {
        match ended.first_failure().unwrap_or_default() {
            (step, why) if step != caught_at => format!("{step:?} caught it: {why:?}"),
            (_, why) if !why.contains(says.as_str()) => format!("it does not say {says:?} but {why:?}"),
            _ => return Ok(()),
        }
    } else {
        // A check is named with what is wrong with it; what else stops a session, as `freeze`, speaks for itself.
        let is_check = runbook(sample).checks.keys().any(|check| check.as_str() == caught_at);
        let named = |line: &str| !is_check || line.contains(caught_at.as_str());
        if ended.said.lines().any(|line| named(line) && line.contains(says.as_str())) {
            return Ok(());
        }
        format!("nobody says {says:?} of {caught_at}")
    };
    Err(tell(lie, &wrong, ended))
}

fn tell(lie: &Lie, what: &str, ended: &Ended) -> String {
    format!("{}, {}: {what}: exit {}\n{}", lie.sample, lie.name, ended.code, ended.at_last())
}
