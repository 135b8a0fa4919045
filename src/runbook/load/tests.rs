//! What loading promises, on the smallest runbooks that show it.

use std::time::Duration;

use indexmap::IndexMap;

use super::{Inputs, Loaded, Missing, Source, load};
use crate::runbook::codes::Code;
use crate::runbook::model::{Action, Command, Host, Override, Probe, ROLLBACK_FILES, Runbook};

fn read(text: &str, set: &[(&str, &str)]) -> Loaded {
    let source = Source { text: text.into(), file: "small.toml".into(), dir: "/srv/cutover".into() };
    let set: IndexMap<_, _> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let host = Host { name: "h".into(), os: "linux".into(), arch: "x86_64".into() };
    load(&source, &Inputs { set, host, missing: Missing::Error })
}

fn good(text: &str, set: &[(&str, &str)]) -> Runbook {
    let loaded = read(text, set);
    assert!(!loaded.has_errors(), "{:#?}", loaded.diagnostics);
    loaded.runbook.expect("a runbook without errors is there")
}

fn codes(text: &str) -> Vec<Code> {
    read(text, &[]).diagnostics.iter().filter(|d| d.code < Code::Tee).map(|d| d.code).collect()
}

/// A runbook of one stage `a` whose only step has these keys.
fn step(keys: &str) -> String {
    format!("[[stage]]\nid = \"a\"\n[[stage.step]]\nid = \"s\"\n{keys}\n")
}

#[test]
fn defaults_are_those_of_the_reference() {
    let book = good(
        "[check.up]\nprocess = { name = \"x\" }\n[[stage]]\nid = \"a\"\nwatch = [\"up\"]\n[[stage.step]]\nid = \"one\"\nrun = [\"true\"]\n[[stage.step]]\nid = \"two\"\nwait = \"1s\"\n[[stage]]\nid = \"b\"\npoint_of_no_return = true\n[[stage.step]]\nid = \"s\"\nawait = [\"up\"]\n",
        &[],
    );
    assert_eq!(book.id, "small");
    assert_eq!(book.shell, ["bash", "-euo", "pipefail", "-c"]);
    assert_eq!(book.checks["up"].period, Duration::from_secs(2));
    let stage = &book.stages[0];
    assert_eq!(stage.gate.checks, stage.watch);
    assert_eq!(stage.gate.over, Override::Never, "the gate before a point of no return");
    assert_eq!(stage.steps[0].timeout, Some(Duration::from_secs(600)));
    assert_eq!(stage.steps[1].timeout, None);
    assert_eq!(stage.steps[1].needs, [stage.steps[0].id.clone()]);
    assert_eq!(book.stages[1].gate.over, Override::Reason);
}

#[test]
fn inputs_are_inserted_and_what_comes_later_stays_open() {
    let text = format!(
        "[vars]\nhost = {{ default = \"db\" }}\nurl = {{ default = \"${{{{ host }}}}:80\" }}\n{}",
        step("run = [\"curl\", \"${{ url }}\", \"${{ session.id }}\"]")
    );
    let argv = |set: &[(&str, &str)]| match &good(&text, set).stages[0].steps[0].action {
        Action::Run { command: Command::Argv(argv), .. } => argv[1..].iter().map(|a| a.0.clone()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(argv(&[]), ["db:80", "${{ session.id }}"]);
    assert_eq!(argv(&[("host", "web")]), ["web:80", "${{ session.id }}"]);
}

#[test]
fn an_input_can_neither_inject_into_a_shell_nor_be_a_template() {
    let text = format!("[vars]\nx = {{ default = \"a\" }}\n{}", step("run = \"echo ${{ x }}\""));
    let refused = |value: &str| {
        let loaded = read(&text, &[("x", value)]);
        loaded.diagnostics.iter().find(|d| d.code < Code::Tee).map(|d| d.code)
    };
    assert_eq!(refused("a; rm -rf /"), Some(Code::NotForShell));
    assert_eq!(refused("$(id)"), Some(Code::NotForShell));
    assert_eq!(refused("${{ session.id }}"), Some(Code::VarRefused));
    assert_eq!(refused("v1.2/ok"), None);
}

#[test]
fn an_input_in_a_pattern_is_taken_literally() {
    let text = format!(
        "[vars]\nv = {{ default = \"1.0\" }}\n{}",
        step("run = [\"x\"]\nexpect.matches = ['^${{ v }}$']")
    );
    let book = good(&text, &[]);
    let Action::Run { expect, .. } = &book.stages[0].steps[0].action else { panic!("it is a run") };
    assert_eq!(expect.text.matches[0].0.0, r"^1\.0$");
}

#[test]
fn secrets_stand_only_where_nobody_sees_them() {
    let secret = "[secret.token]\nenv = \"TOKEN\"\n";
    let with = |keys: &str| codes(&format!("{secret}{}", step(keys)));
    assert_eq!(with("run = [\"x\", \"${{ secret.token }}\"]"), [Code::SecretHere]);
    assert_eq!(with("run = \"x ${{ secret.token }}\""), [Code::SecretHere]);
    assert_eq!(with("run = [\"x\"]\nenv.T = \"${{ secret.token }}\""), []);
    assert_eq!(with("request = { url = \"http://x/\", headers.A = \"${{ secret.token }}\" }"), []);
}

#[test]
fn what_is_wrong_in_one_place_hides_nothing_in_another() {
    let found = codes(
        "tilte = \"x\"\n[check.a]\nhttp = \"ftp://x/\"\ntimeout = 10\n[[stage]]\nid = \"A b\"\nwatch = [\"zzz\"]\n[[stage.step]]\nid = \"s\"\nrun = \"echo ${{ nope }}\"\n",
    );
    let all =
        [Code::UnknownKey, Code::BadUrl, Code::WrongType, Code::BadId, Code::UnknownCheck, Code::UnknownName];
    assert_eq!(found, all);
}

#[test]
fn all_syntax_errors_are_found_at_once_and_what_they_spoil_is_not_judged() {
    let found = codes("a = \n[check\nb = 1\n[check.x]\ntimeout = 3\nc = \"x\n");
    assert_eq!(found.iter().filter(|code| **code == Code::Syntax).count(), 3, "{found:?}");
    assert!(found.contains(&Code::WrongType), "{found:?}");
    assert!(!found.contains(&Code::UnknownKey), "{found:?}");
}

#[test]
fn a_capture_is_known_only_after_the_step_that_takes_it() {
    let take = "[[stage.step]]\nid = \"take\"\nrun = [\"x\"]\ncapture.rev = '(.+)'\n";
    let give = "[[stage.step]]\nid = \"use\"\nrun = [\"x\", \"${{ rev }}\"]\n";
    let stage = "[[stage]]\nid = \"a\"\n";
    assert_eq!(codes(&format!("{stage}{take}{give}")), []);
    assert_eq!(codes(&format!("{stage}{give}{take}")), [Code::NotKnownYet]);
    assert_eq!(codes(&format!("{stage}{take}{give}needs = []\n")), [Code::NotKnownYet]);
    assert_eq!(codes(&format!("{stage}{take}[[stage]]\nid = \"b\"\n{give}")), []);
}

#[test]
fn files_of_the_way_back_join_the_escape_hatch() {
    let text = format!(
        "{}[[stage.rollback]]\nid = \"back\"\nrun = [\"x\"]\nfiles = [\"old.sh\"]\n",
        step("run = [\"x\"]")
    );
    let loaded = read(&text, &[]);
    assert_eq!(loaded.rollback_files[0].0, std::path::Path::new("/srv/cutover/old.sh"));
    let book = loaded.runbook.expect("it has no errors");
    assert_eq!(book.rollback.ready[0].as_str(), ROLLBACK_FILES);
    assert!(book.checks.contains_key(ROLLBACK_FILES));
}

#[test]
fn a_condition_that_does_not_hold_keeps_the_part_and_marks_it() {
    let text = step("wait = \"1s\"\nwhen = { \"host.os\" = [\"macos\", \"freebsd\"] }");
    assert!(!good(&text, &[]).stages[0].steps[0].applies);
}

#[test]
fn triggers_of_one_name_are_numbered() {
    let trigger = "[[trigger]]\ncheck = \"c\"\nstale_for = \"1m\"\n";
    let book = good(&format!("[check.c]\ntcp = \"a:1\"\n{trigger}{trigger}{}", step("wait = \"1s\"")), &[]);
    let ids: Vec<&str> = book.triggers.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["c.alert", "c.alert.2"]);
}

#[test]
fn the_kept_schema_is_that_of_the_keys() {
    let kept = include_str!("../../../assets/runbook.schema.json");
    assert!(
        kept == crate::runbook::schema::schema_text(),
        "write it anew: gonogo schema > assets/runbook.schema.json"
    );
}

#[test]
fn every_code_is_its_own() {
    let mut codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

#[test]
fn a_broken_runbook_is_shown_with_its_line_and_nothing_of_it_reaches_the_terminal() {
    let text = step("wait = \"ten\\u001b[31m\"");
    let loaded = read(&text, &[]);
    let shown: String = loaded.diagnostics.iter().map(|d| d.render("small.toml", &text, false)).collect();
    assert!(shown.contains("small.toml:5:8: error[E020]"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn what_requests_share_stands_behind_what_each_says_itself() {
    let book = good(
        "[http.api]\nurl = \"https://h:8443/v1/\"\nheaders = { Authorization = \"x\", Accept = \"text/plain\" }\n\
         insecure = true\nca = \"ca.pem\"\nfollow_redirects = 2\n\
         [check.own]\nhttp = { via = \"api\", path = \"/livez?a=b\", headers = { accept = \"*/*\" }, insecure = false }\n\
         [check.bare]\nhttp = { via = \"api\" }\n\
         [[stage]]\nid = \"a\"\nwatch = [\"own\", \"bare\"]\n[[stage.step]]\nid = \"s\"\n\
         request = { via = \"api\", path = \"/go\", json = { on = true } }\n",
        &[],
    );
    let target = |name: &str| match &book.checks[name].probe {
        Probe::Http { target, .. } => target.clone(),
        _ => unreachable!("both are http checks"),
    };
    let own = target("own");
    assert_eq!(own.url.as_str(), "https://h:8443/v1/livez?a=b");
    let headers: Vec<_> = own.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, [("Authorization", "x"), ("accept", "*/*")]);
    assert_eq!((own.insecure, own.follow_redirects, own.ca), (false, 2, Some("ca.pem".into())));
    let bare = target("bare");
    assert_eq!((bare.url.as_str(), bare.insecure), ("https://h:8443/v1/", true));
    let Action::Request { target, .. } = &book.stages[0].steps[0].action else { unreachable!("a request") };
    assert_eq!((target.url.as_str(), target.method.as_str()), ("https://h:8443/v1/go", "POST"));
}

#[test]
fn a_role_that_is_asked_for_and_not_given_is_told_and_one_that_nobody_asks_for_too() {
    let text = |given: &str| {
        format!("{given}{}[stage.gate]\nroles = [\"dba\"]\n", step("confirm = \"?\"\nrole = \"app\""))
    };
    let warned = |given: &str| {
        let found = read(&text(given), &[]).diagnostics.into_iter().map(|d| d.code);
        found.filter(|code| matches!(code, Code::OpenRole | Code::IdleRole)).collect::<Vec<_>>()
    };
    assert_eq!(warned(""), [], "all of them are claimed");
    assert_eq!(warned("[roles]\ndba = [\"alice\"]\napp = [\"bob\"]\n"), []);
    assert_eq!(warned("[roles]\ndb = [\"alice\"]\napp = [\"bob\"]\n"), [Code::IdleRole, Code::OpenRole]);
}
