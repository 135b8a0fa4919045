//! Runbooks as files: those that must load, and what no runbook, however broken, may do.

use std::fs;
use std::path::{Path, PathBuf};

use gonogo::runbook::load::Missing;
use gonogo::runbook::model::Host;
use gonogo::runbook::{Inputs, Loaded, Severity, Source, load, plan};
use proptest::prelude::*;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(text: &str, set: &[(&str, &str)]) -> Loaded {
    let set = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let host = Host { name: "bastion".into(), os: "linux".into(), arch: "x86_64".into() };
    let source = Source { text: text.to_owned(), file: "sample.toml".into(), dir: "/srv/sample".into() };
    load(&source, &Inputs { set, host, missing: Missing::Open })
}

/// The errors, or where there are none the warnings if asked for, as they are printed.
fn findings(text: &str, loaded: &Loaded, worst: Severity) -> String {
    let wanted = loaded.diagnostics.iter().filter(|d| d.severity <= worst);
    wanted.map(|d| d.render("sample.toml", text, false)).collect()
}

fn samples() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("sample-runbooks"), root().join("tests/good-runbooks")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository").flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap_or_default();
            let is_runbook = path.extension().is_some_and(|e| e == "toml")
                && name != "answers.toml"
                && name != "rehearsal.toml";
            if path.is_dir() {
                folders.push(path);
            } else if is_runbook {
                let text = fs::read_to_string(&path).expect("a file of the repository");
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 3, "the samples are where this test looks");
    found
}

#[test]
fn every_sample_loads_without_an_error() {
    for (path, text) in samples() {
        let loaded = read(&text, &[]);
        assert_eq!(findings(&text, &loaded, Severity::Error), "", "{}", path.display());
        let runbook = loaded.runbook.expect("no error, so a runbook");
        let scope = plan::scope(&runbook);
        assert!(plan::forward_text(&runbook, &scope).contains(&runbook.title));
        let _ = plan::rollback_text(&runbook, &scope);
    }
}

/// Makes a whole runbook of an example that shows only a part.
fn completed(example: &str) -> String {
    let step = "[[stage.step]]\nid = \"a-step\"\nwait = \"1s\"\n";
    if example.trim_start().starts_with("[[stage.step]]") {
        return format!("[[stage]]\nid = \"a-stage\"\n{example}");
    }
    if example.contains("[[stage]]") {
        example.to_owned()
    } else {
        format!("{example}\n[[stage]]\nid = \"work\"\n{step}")
    }
}

#[test]
fn every_example_of_the_reference_loads() {
    let reference = fs::read_to_string(root().join("sample-runbooks/README.md")).expect("the reference");
    let examples: Vec<&str> =
        reference.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 6);
    for example in examples {
        let text = completed(example);
        assert_eq!(findings(&text, &read(&text, &[]), Severity::Error), "", "{text}");
    }
}

/// The names of all keys in a JSON Schema.
fn keys(schema: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        found.extend(properties.keys().cloned());
    }
    let below: Vec<&serde_json::Value> = match schema {
        serde_json::Value::Object(map) => map.values().collect(),
        serde_json::Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    below.into_iter().for_each(|schema| keys(schema, found));
}

#[test]
fn the_reference_names_every_key() {
    let reference = fs::read_to_string(root().join("sample-runbooks/README.md")).expect("the reference");
    let words: std::collections::HashSet<&str> =
        reference.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let mut known = std::collections::BTreeSet::new();
    keys(&gonogo::runbook::schema::SCHEMA, &mut known);
    assert!(known.len() > 80, "the schema is where this test looks");
    let missing: Vec<&String> = known.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Every place of a TOML value, as the way there.
fn places(value: &toml::Value, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &toml::Value)> = match value {
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), value)).collect(),
        toml::Value::Array(items) => {
            items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect()
        }
        _ => return,
    };
    for (key, child) in children {
        at.push(key);
        found.push(at.clone());
        places(child, at, found);
        at.pop();
    }
}

/// The tables whose keys are names that a runbook gives, not keys of the format.
const NAMED: [&str; 6] = ["check", "vars", "secret", "env", "http", "roles"];

/// What makes taking one place away the same as taking another away: the same key of the format beside the same other
/// keys, with a value of the same shape. `None` for what others may refer to: each of these is a case of its own.
fn same_as(root: &toml::Value, place: &[String]) -> Option<String> {
    let (last, way) = place.split_last().expect("a place has a name");
    let parent = way.iter().fold(root, |node, key| match node {
        toml::Value::Array(items) => &items[key.parse::<usize>().expect("a place of this value")],
        other => &other[key.as_str()],
    });
    let keys = |value: &toml::Value| match value {
        toml::Value::Table(table) => table.keys().map(String::as_str).collect::<Vec<_>>().join(","),
        toml::Value::Array(items) => format!("{} items", items.len().min(2)),
        other => other.type_str().to_owned(),
    };
    let (own, named) = match parent {
        toml::Value::Array(items) => {
            let item = &items[last.parse::<usize>().expect("a place of this value")];
            (keys(item), item.is_table())
        }
        table => {
            (keys(&table[last.as_str()]), last == "id" || way.len() == 1 && NAMED.contains(&way[0].as_str()))
        }
    };
    let names = |(at, key): (usize, &String)| match key.parse::<usize>() {
        Ok(_) => "*".to_owned(),
        Err(_) if at == 1 && NAMED.contains(&place[0].as_str()) => "*".to_owned(),
        Err(_) => key.clone(),
    };
    let path: Vec<String> = place.iter().enumerate().map(names).collect();
    (!named).then(|| format!("{} of {{{}}} was {{{own}}}", path.join("."), keys(parent)))
}

/// Changes the value at a place; `None` takes it away with its key.
fn change(root: &mut toml::Value, place: &[String], to: Option<toml::Value>) {
    let (last, way) = place.split_last().expect("a place has a name");
    let parent = way.iter().fold(root, |node, key| match node {
        toml::Value::Array(items) => &mut items[key.parse::<usize>().expect("a place of this value")],
        other => &mut other[key.as_str()],
    });
    match (parent, to) {
        (toml::Value::Table(table), Some(value)) => drop(table.insert(last.clone(), value)),
        (toml::Value::Table(table), None) => drop(table.remove(last)),
        (toml::Value::Array(items), to) => {
            let at: usize = last.parse().expect("a place of this value");
            match to {
                Some(value) => items[at] = value,
                None => drop(items.remove(at)),
            }
        }
        _ => unreachable!("only tables and arrays have places"),
    }
}

#[test]
fn no_change_of_any_key_of_a_sample_panics() {
    let others: [Option<toml::Value>; 8] = [
        None,
        Some(toml::Value::Integer(-1)),
        Some(toml::Value::Float(f64::NAN)),
        Some(toml::Value::Boolean(true)),
        Some("".into()),
        Some("${{ nope }} ü \u{202e}".into()),
        Some(toml::Value::Array(vec!["x".into(), toml::Value::Integer(0)])),
        Some(toml::Value::Table([("x".to_owned(), toml::Value::Integer(0))].into_iter().collect())),
    ];
    let mut known = std::collections::HashSet::new();
    for (path, text) in samples() {
        let whole: toml::Value = toml::from_str(&text).expect("a sample is TOML");
        let mut found = Vec::new();
        places(&whole, &mut Vec::new(), &mut found);
        // Samples repeat themselves and each other: what one of them has shown, the next need not.
        found.retain(|place| same_as(&whole, place).is_none_or(|case| known.insert(case)));
        let changed = |(n, place): (usize, &Vec<String>)| {
            // Each key is taken away, and where every key is, made something else by turns.
            let all = path.ends_with("every-key.toml");
            for other in std::iter::once(&others[0]).chain(all.then_some(&others[1 + n % 7])) {
                let mut changed = whole.clone();
                change(&mut changed, place, other.clone());
                let text = toml::to_string(&changed).expect("still TOML");
                let loaded = read(&text, &[]);
                let errors = findings(&text, &loaded, Severity::Error);
                assert_eq!(
                    loaded.runbook.is_some(),
                    errors.is_empty(),
                    "{}: {place:?} = {other:?}\n{errors}",
                    path.display()
                );
                assert!(!errors.contains("E099"), "{}: {place:?} = {other:?}\n{errors}", path.display());
            }
        };
        // A panic in one of them is one here.
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let own = found.iter().enumerate().skip(thread).step_by(threads);
                scope.spawn(|| own.for_each(&changed));
            }
        });
    }
}

#[test]
fn no_cut_of_a_sample_panics() {
    for (_, text) in samples() {
        for (end, _) in text.char_indices().step_by(61) {
            let cut = &text[..end];
            findings(cut, &read(cut, &[]), Severity::Warning);
        }
    }
}

const STAGE: &str = "[[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"a\"\nwait = \"1s\"\n";

#[test]
fn vars_that_nest_without_end_or_grow_without_end_are_refused() {
    let defaults = |n: usize, default: &dyn Fn(usize) -> String| -> String {
        let vars: String = (0..n).map(|i| format!("v{i}.default = \"{}\"\n", default(i + 1))).collect();
        format!("[vars]\n{vars}v{n}.default = \"x\"\n{STAGE}")
    };
    for text in [
        defaults(5_000, &|next| format!("${{{{ v{next} }}}}")),
        defaults(35, &|next| format!("${{{{ v{next} }}}}${{{{ v{next} }}}}")),
    ] {
        assert!(read(&text, &[]).runbook.is_none());
    }
}

#[test]
fn a_value_and_the_text_beside_it_never_make_a_template() {
    let with = |argument: &str| {
        format!(
            "[vars]\na.default = \"x\"\n[secret.s]\nenv = \"S\"\n[[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"a\"\n\
             run = [\"echo\", \"{argument}\"]\n"
        )
    };
    for (argument, value) in
        [("$${{ a }}", "{{ secret.s }}"), ("${{ a }}{{ secret.s }}", "$"), ("x${{ a }}", "${{ secret.s }}")]
    {
        let text = with(argument);
        assert!(read(&text, &[("a", "y")]).runbook.is_some(), "{argument}");
        let refused = read(&text, &[("a", value)]);
        assert!(
            refused.runbook.is_none() && findings(&text, &refused, Severity::Error).contains("E036"),
            "{argument}"
        );
    }
}

#[test]
fn thousands_of_steps_and_checks_are_no_trouble() {
    let checks: String =
        (0..1_000).map(|i| format!("[check.c{i}]\nany = [\"c{}\"]\n", (i + 1) % 1_000)).collect();
    let steps: String =
        (0..1_000).map(|i| format!("[[stage.step]]\nid = \"s{i}\"\nwait = \"1s\"\n")).collect();
    let text = format!("{checks}[[stage]]\nid = \"s\"\nwatch = [\"c0\"]\n{steps}");
    let loaded = read(&text, &[]);
    assert_eq!(findings(&text, &loaded, Severity::Error).matches("E047").count(), 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_garbage_panics(text in "[\\PC\n\t\\[\\]={}\"'#$.,]{0,200}") {
        findings(&text, &read(&text, &[]), Severity::Warning);
    }

    #[test]
    fn no_medley_of_a_runbooks_words_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let text = words.concat();
        findings(&text, &read(&text, &[("port", "1"), ("x", "$(y)")]), Severity::Warning);
    }
}

const WORDS: &[&str] = &[
    "[[stage]]\n",
    "[[stage.step]]\n",
    "[[stage.rollback]]\n",
    "[stage.gate]\n",
    "[[stage.trigger]]\n",
    "[rollback]\n",
    "[[rollback.step]]\n",
    "[check.a]\n",
    "[check.b]\n",
    "[vars]\n",
    "[env]\n",
    "[secret.s]\n",
    "[[trigger]]\n",
    "id = \"a\"\n",
    "id = \"b\"\n",
    "run = \"x ${{ port }}\"\n",
    "run = [\"x\", \"${{ c }}\"]\n",
    "await = [\"a\"]\n",
    "assert = [\"b\"]\n",
    "any = [\"a\", \"b\"]\n",
    "any = [\"a\"]\n",
    "http = \"http://x/${{ secret.s }}\"\n",
    "tcp = \"x:1\"\n",
    "needs = [\"b\"]\n",
    "needs = [\"a\"]\n",
    "undoes = [\"a\"]\n",
    "watch = [\"a\", \"b\"]\n",
    "port = { default = \"${{ x }}\" }\n",
    "x = { default = \"${{ port }}\" }\n",
    "capture.c = '(x)'\n",
    "capture.c = '('\n",
    "expect.matches = ['${{ x }}']\n",
    "expect.json = { \"/a\" = { min = 3, max = 1 } }\n",
    "when = { x = \"y\" }\n",
    "soak = \"${{ x }}\"\n",
    "check = \"a\"\n",
    "failing_for = \"1s\"\n",
    "then = \"rollback\"\n",
    "to = \"a\"\n",
    "env = \"S\"\n",
    "file = \"x\"\n",
    "timeout = \"0s\"\n",
    "start = { argv = [\"x\"], log = \"y\", ready = [\"a\"] }\n",
    "process = { step = \"a.a\" }\n",
    "link = { path = \"x\", back_to = \"a.b\" }\n",
    "signal = { process = \"a\", signal = \"TERM\" }\n",
    "point_of_no_return = true\n",
    "window = { from = \"a\", lasts = \"1m\" }\n",
    "metric = {}\n",
    "metric = { host = \"load\", as = \"rate\" }\n",
    "expect = { max = \"1MiB\", window = \"1s\", aggregate = \"slope\" }\n",
    "baseline = { name = \"a\", checks = [\"a\"], window = \"1s\" }\n",
    "=",
    "\"",
    "[",
    "}",
    "\u{feff}",
    "\u{202e}",
    "\r",
    "'''",
    "\"\"\"",
];
