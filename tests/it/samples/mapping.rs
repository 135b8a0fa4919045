//! The tables of the samples' READMEs that say where each line of the source is.

use std::collections::BTreeSet;

use super::{all, read, runbook};

/// The rows of the Markdown tables whose header is `names`, a cell each.
pub(super) fn rows(readme: &str, names: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        let Some(row) = line.trim().strip_prefix('|') else {
            inside = false;
            continue;
        };
        let row = row.strip_suffix('|').unwrap_or(row).replace("\\|", "\u{0}");
        let cells: Vec<String> = row.split('|').map(|c| c.trim().replace('\u{0}', "|")).collect();
        if cells.iter().zip(names).all(|(cell, name)| cell == name) && cells.len() >= names.len() {
            inside = true;
        } else if inside && !cells[0].starts_with("---") {
            found.push(cells);
        }
    }
    found
}

/// What stands in backticks.
pub(super) fn marked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The stage that the README calls the switch.
pub(super) fn switch(readme: &str) -> String {
    let line =
        readme.split("The switch is the stage `").nth(1).expect("the README says which stage is the switch");
    line.split('`').next().expect("a name").to_owned()
}

/// A line without what makes it an item of a list, and without the spaces that break lines.
fn bare(line: &str) -> String {
    let line = line.trim();
    let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let numbered = line[digits..].strip_prefix(". ").filter(|_| digits > 0);
    let bulleted = ["- ", "* ", "• "].iter().find_map(|bullet| line.strip_prefix(bullet));
    in_one(numbered.or(bulleted).unwrap_or(line))
}

/// With one space wherever there is white space or a line break.
fn in_one(text: &str) -> String {
    text.replace("<br>", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a source that say something: no headings, no fences.
fn lines(source: &str) -> impl Iterator<Item = String> {
    let said = source.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("```")
    });
    said.map(bare)
}

#[test]
fn every_line_of_the_source_is_in_its_samples_table() {
    for sample in all() {
        let rows = rows(&read(&sample, "README.md"), &["the source says", "here"]);
        let says: Vec<String> = rows.iter().map(|row| in_one(&row[0])).collect();
        let missing: Vec<String> = lines(&read(&sample, "source.md"))
            .filter(|line| !says.iter().any(|s| s.contains(line)))
            .collect();
        assert!(missing.is_empty(), "{sample}: not in the table:\n{}", missing.join("\n"));
    }
}

/// The names that a runbook gives to something.
struct Names {
    steps: BTreeSet<String>,
    stages: BTreeSet<String>,
    /// Checks, vars, secrets, variables of the environment.
    others: BTreeSet<String>,
}

fn names(sample: &str) -> Names {
    let runbook = runbook(sample);
    let others = runbook.checks.keys().map(|id| id.to_string());
    let others = others.chain(runbook.vars.keys().cloned()).chain(runbook.secrets.keys().cloned());
    let others = others.chain(runbook.env.keys().cloned()).chain(runbook.roles.keys().cloned());
    Names {
        steps: runbook.all_steps().map(|step| step.id.to_string()).collect(),
        stages: runbook.stages.iter().map(|stage| stage.id.to_string()).collect(),
        others: others.collect(),
    }
}

/// The keys of the format: a table may say that the `policy` or a `soak` does it.
fn keys(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        found.extend(properties.keys().cloned());
    }
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|below| keys(below, found)),
        serde_json::Value::Array(items) => items.iter().for_each(|below| keys(below, found)),
        _ => {}
    }
}

#[test]
fn every_row_of_a_table_names_what_is_there_in_the_runbook() {
    let mut format = BTreeSet::new();
    keys(&gonogo::runbook::schema::SCHEMA, &mut format);
    assert!(format.len() > 80, "the schema is where this test looks");
    for sample in all() {
        let names = names(&sample);
        let mut wrong = Vec::new();
        for row in rows(&read(&sample, "README.md"), &["the source says", "here"]) {
            let here = row.get(1).map(String::as_str).unwrap_or_default();
            let mut any = false;
            for word in marked(here) {
                let part = word.split_once('.').map(|(stage, _)| stage);
                let is_step = part.is_some_and(|stage| stage == "rollback" || names.stages.contains(stage));
                let plain =
                    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                let known = names.steps.contains(word)
                    || names.stages.contains(word)
                    || names.others.contains(word)
                    || format.contains(word.trim_matches(['[', ']']));
                any |= known;
                if !known && (is_step || plain) {
                    wrong.push(format!("`{word}` is in the table and not in the runbook"));
                }
            }
            if !any {
                wrong.push(format!("\"{}\" is nowhere: its row names no step and no check", row[0]));
            }
        }
        assert!(wrong.is_empty(), "{sample}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_way_in_which_tables_are_read_misses_nothing() {
    let table =
        "| a | b |\n|---|---|\n| x \\| y | `1` and `two.three` |\n\n| c | d |\n|---|---|\n| no | no |\n";
    assert_eq!(rows(table, &["a", "b"]), [["x | y", "`1` and `two.three`"]]);
    assert_eq!(marked("`1` and `two.three`").collect::<Vec<_>>(), ["1", "two.three"]);
    let source =
        "# Head\n\n1. One  two\n- three\n  12. four\n  • five\n```sh\nrun it\n```\n2026 is a year.\n";
    let expected = ["One two", "three", "four", "five", "run it", "2026 is a year."];
    assert_eq!(lines(source).collect::<Vec<_>>(), expected);
}
