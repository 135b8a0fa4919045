//! Broken runbooks: each says in its first line what is found in it, and where.

use std::fs;
use std::path::Path;

use gonogo::runbook::load::Missing;
use gonogo::runbook::model::Host;
use gonogo::runbook::{Inputs, Severity, Source, load};

#[test]
fn every_broken_runbook_has_its_errors_at_their_lines_and_columns() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken-runbooks");
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("a folder of the repository").flatten().map(|e| e.path()).collect();
    files.sort();
    assert!(files.len() >= 150, "the corpus is where this test looks");
    let host = Host { name: "bastion".into(), os: "linux".into(), arch: "x86_64".into() };
    let inputs = Inputs { set: Default::default(), host, missing: Missing::Open };
    let mut wrong = String::new();
    for path in files {
        let name = path.file_name().expect("it is a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a file of the repository");
        let expected =
            text.lines().next().and_then(|line| line.strip_prefix("# expect: ")).unwrap_or_default();
        let source = Source { text: text.clone(), file: name.clone(), dir: "/srv".into() };
        let loaded = load(&source, &inputs);
        let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        let found: Vec<String> = errors
            .map(|d| {
                let (line, column) = d.position(&text);
                format!("{line}:{column} {}", d.code)
            })
            .collect();
        let found = found.join(", ");
        if found.is_empty() || found != expected || loaded.runbook.is_some() {
            wrong += &format!("{name}: expected {expected}; found {found}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
