//! The layers only look down: every `crate::` path in the sources is held against the map in `src/lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// From the bottom up. A module names only modules that stand before it.
const LAYERS: &[&[&str]] = &[
    &["clock", "text", "redact", "process"],
    &["runbook", "proof"],
    &["event"],
    &["session", "history"],
    &["audit", "feed", "replay"],
    &["guard", "check", "what_if", "lab", "engine", "wire", "report"],
    &["headless", "ui", "cast"],
    &["config"],
    &["cli"],
];

/// What stands lower and is still no business of theirs: a screen knows a session by its feed alone.
const APART: &[(&str, &[&str])] = &[
    ("ui", &["audit", "guard", "check", "lab", "engine", "wire", "report", "headless"]),
    ("headless", &["audit", "guard", "check", "lab", "engine", "wire", "report"]),
    ("engine", &["lab"]),
    ("audit", &["feed"]),
    ("wire", &["check", "lab"]),
    ("report", &["feed", "check", "lab", "engine", "wire"]),
];

/// What a pure module may not name: it decides, and others act.
const IMPURE: &[&str] =
    &["tokio::", "std::fs", "std::net", "std::process::Command", "clock::now", "SystemTime"];
const PURE: &[&str] = &["proof", "event", "session", "history"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the sources are there").map(|e| e.expect("readable").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|ext| ext == "rs") {
            found.push(entry);
        }
    }
}

/// Every source file with the top module that it belongs to, and its text without comments.
fn modules() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&src, &mut found);
    found.sort();
    found
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).expect("it lies below src").to_path_buf();
            let module = inside.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("readable");
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            Some((module, inside, code.collect::<Vec<_>>().join("\n")))
        })
        .filter(|(module, ..)| module != "lib" && module != "main")
        .collect()
}

/// The top modules that `code` names: `crate::a::…` and `crate::{a::…, b}`.
fn named(code: &str) -> Vec<String> {
    let path = Regex::new(r"\bcrate::(\w+)").expect("a constant");
    let group = Regex::new(r"\bcrate::\{").expect("a constant");
    let mut names: Vec<String> = path.captures_iter(code).map(|found| found[1].to_owned()).collect();
    for start in group.find_iter(code) {
        let (mut depth, mut name) = (0, String::new());
        for c in code[start.end()..].chars() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                '}' | ',' if depth == 0 => {
                    let top = name.trim().split("::").next().unwrap_or_default().to_owned();
                    names.extend((!top.is_empty()).then_some(top));
                    name.clear();
                    if c == '}' {
                        break;
                    }
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                name.push(c);
            }
        }
    }
    names
}

#[test]
fn no_module_names_one_that_stands_above_it() {
    let order: Vec<&str> = LAYERS.iter().copied().flatten().copied().collect();
    let place = |name: &str| order.iter().position(|known| *known == name);
    let mut faults = Vec::new();
    for (module, file, code) in modules() {
        let Some(own) = place(&module) else {
            faults.push(format!("src/{}: {module} has no place in the layers", file.display()));
            continue;
        };
        let apart = APART.iter().find(|(who, _)| *who == module).map_or(&[][..], |(_, apart)| apart);
        for name in named(&code).into_iter().filter(|name| *name != module) {
            match place(&name) {
                Some(other) if other > own => {
                    faults.push(format!("src/{}: {module} looks up to {name}", file.display()));
                }
                Some(_) if apart.contains(&name.as_str()) => {
                    faults.push(format!("src/{}: {module} has no business with {name}", file.display()));
                }
                // A macro or a re-export of the crate's root would be no module; there is none.
                None => faults.push(format!("src/{}: crate::{name} has no place", file.display())),
                Some(_) => {}
            }
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_decides_reads_no_clock_no_file_and_no_socket() {
    let mut faults = Vec::new();
    for (module, file, code) in modules() {
        if PURE.contains(&module.as_str()) {
            let found = IMPURE.iter().filter(|name| code.contains(**name));
            faults.extend(found.map(|name| format!("src/{}: {name}", file.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_clock_is_read_in_one_file() {
    let readers: Vec<String> = modules()
        .into_iter()
        .filter(|(.., code)| {
            ["SystemTime::now", "Utc::now", "Local::now", "clock_gettime"]
                .iter()
                .any(|read| code.contains(read))
        })
        .map(|(_, file, _)| file.display().to_string())
        .collect();
    assert_eq!(readers, ["clock.rs"]);
}

#[test]
fn the_map_in_the_crates_documentation_is_this_one() {
    let lib = include_str!("../../src/lib.rs");
    for (level, names) in LAYERS.iter().enumerate() {
        for name in *names {
            let line = lib.lines().find(|line| line.contains(&format!("| [`{name}`] |")));
            let line = line.unwrap_or_else(|| panic!("src/lib.rs does not map {name}"));
            assert!(line.contains(&format!("L{level}")), "{name} is not on L{level}: {line}");
        }
    }
}

#[test]
fn paths_are_found_alone_and_in_groups() {
    assert_eq!(
        named("use crate::clock::Now;\nuse crate::{text, event::{By, Event}};"),
        ["clock", "text", "event"]
    );
}
