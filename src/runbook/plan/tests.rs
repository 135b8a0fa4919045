//! Both ways of the small runbook as they are printed, and what a pasted line does.

use crate::runbook::interpolate::Scope;
use crate::runbook::load::Missing;
use crate::runbook::model::{Host, Runbook};
use crate::runbook::plan::{PlannedStep, forward_text, rollback_commands, rollback_text, scope};
use crate::runbook::{Inputs, Loaded, Source, load};

fn loaded(text: &str, dir: &str) -> Loaded {
    let source = Source { text: text.to_owned(), file: "x.toml".into(), dir: dir.into() };
    let host = Host { name: "bastion".into(), os: "linux".into(), arch: "x86_64".into() };
    load(&source, &Inputs { set: Default::default(), host, missing: Missing::Open })
}

fn runbook(text: &str, dir: &str) -> Runbook {
    let loaded = loaded(text, dir);
    let errors: String = loaded.diagnostics.iter().map(|d| d.render("x.toml", text, false)).collect();
    loaded.runbook.unwrap_or_else(|| panic!("{errors}"))
}

const SMALL: &str = include_str!("../../../tests/good-runbooks/small.toml");
const EVERY: &str = include_str!("../../../tests/good-runbooks/every-key.toml");

#[test]
fn the_way_forward_is_printed_whole() {
    let small = runbook(SMALL, "/srv/mtproxy");
    insta::assert_snapshot!("forward_small", forward_text(&small, &scope(&small)));
    let every = runbook(EVERY, "/srv/every");
    insta::assert_snapshot!("forward_every_key", forward_text(&every, &scope(&every)));
}

#[test]
fn the_way_back_is_printed_as_a_script() {
    let small = runbook(SMALL, "/srv/mtproxy");
    insta::assert_snapshot!("back_small", rollback_text(&small, &scope(&small)));
    let every = runbook(EVERY, "/srv/every");
    insta::assert_snapshot!("back_every_key", rollback_text(&every, &scope(&every)));
}

/// A runbook whose one rollback step is this.
fn back(step: &str, dir: &str) -> PlannedStep {
    let text = format!(
        "[vars]\nopen = {{}}\nword = {{ default = \"a b'c\" }}\n[secret.s]\nfile = \"secret\"\n[secret.e]\nenv = \"GONOGO_TEST_NONE\"\n\
         [env]\nTOKEN = \"t-${{{{ secret.s }}}}\"\nWORD = \"${{{{ word }}}}\"\n\
         [[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"f\"\nrun = [\"x\"]\ncapture.rev = '(x)'\n[[stage.rollback]]\nid = \"b\"\n{step}\n"
    );
    let runbook = runbook(&text, dir);
    let stages: Vec<_> = runbook.stages.iter().map(|s| s.id.clone()).collect();
    rollback_commands(&runbook, &stages, &scope(&runbook)).remove(0)
}

fn bash(line: &str) -> String {
    let out = std::process::Command::new("bash").args(["-c", line]).output().expect("bash is there");
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

#[test]
fn a_pasted_line_runs_in_its_folder_with_its_variables_and_its_secrets() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("secret"), "hunter2\n").expect("a file");
    let dir = dir.path().to_str().expect("UTF-8").to_owned();
    let step =
        back("run = \"\"\"\necho \"$PWD|$TOKEN|$WORD|$X\"\necho 'two'\"\"\"\nenv = { X = \"$(no)\" }", &dir);
    assert!(!step.paste.contains("hunter2") && !step.what.contains("hunter2"), "{step:?}");
    assert!(!step.paste.contains('\n'), "{step:?}");
    assert_eq!(bash(&step.paste), format!("{dir}|t-hunter2|a b'c|$(no)\ntwo\n"));
}

#[test]
fn a_line_whose_values_are_not_known_is_a_comment() {
    for name in ["open", "rev", "session.id"] {
        let step = back(&format!("run = [\"touch\", \"${{{{ {name} }}}}\"]"), "/");
        assert_eq!(step.paste.lines().next(), Some(&*format!("# no value yet, fill in first: {name}")));
        assert_eq!(bash(&step.paste), "", "{}", step.paste);
    }
}

#[test]
fn no_name_in_a_runbook_reaches_a_shell_unquoted() {
    for (find, put) in [
        ("env = \"E\"", "env = \"X} $(touch y) ${Y\""),
        ("[env]\nA", "[env]\n\"a;b\""),
        ("user = \"app\"", "user = \"-u root\""),
    ] {
        let text = "[secret.s]\nenv = \"E\"\n[env]\nA = \"${{ secret.s }}\"\n[[stage]]\nid = \"s\"\n\
            [[stage.rollback]]\nid = \"b\"\nuser = \"app\"\nrun = [\"x\"]\n[[stage.step]]\nid = \"f\"\nwait = \"1s\"\n";
        assert!(loaded(text, "/").runbook.is_some());
        assert!(loaded(&text.replace(find, put), "/").runbook.is_none(), "{put}");
    }
}

#[test]
fn the_way_back_is_a_script_that_bash_can_read() {
    for text in [SMALL, EVERY] {
        let runbook = runbook(text, "/srv/x y'z");
        let script = rollback_text(&runbook, &scope(&runbook));
        let read =
            std::process::Command::new("bash").args(["-n", "-c", &script]).status().expect("bash is there");
        assert!(read.success(), "{script}");
    }
}

#[test]
fn a_secret_that_is_not_there_stops_the_line() {
    let step = back("run = [\"echo\", \"ran\"]\nenv = { T = \"${{ secret.e }}\" }", "/");
    let said = bash(&step.paste);
    assert!(said.contains("GONOGO_TEST_NONE") && !said.contains("ran\n"), "{said}");
}

#[test]
fn a_capture_of_the_session_is_filled_in_and_kept_out_of_a_shell() {
    let text = "[[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"f\"\nrun = [\"x\"]\ncapture.rev = '(x)'\n\
        [[stage.rollback]]\nid = \"b\"\nrun = \"echo ${{ rev }}\"\n";
    let runbook = runbook(text, "/");
    let stages = [runbook.stages[0].id.clone()];
    let paste = |value: &str| {
        let captures = [("rev".to_owned(), value.to_owned())].into_iter().collect();
        rollback_commands(&runbook, &stages, &Scope { captures, ..scope(&runbook) }).remove(0).paste
    };
    assert_eq!(bash(&paste("v1.2")), "v1.2\n");
    assert_eq!(bash(&paste("x; echo no")), "");
}

#[test]
fn a_step_of_another_user_is_shown_with_the_very_command_line_that_runs() {
    let text = "[env]\nA = \"1\"\nB = \"2\"\n[[stage]]\nid = \"s\"\n[[stage.step]]\nid = \"f\"\n\
        user = \"app\"\nenv = { B = \"3\" }\nrun = [\"x\"]\n";
    let runbook = runbook(text, "/");
    let shown = crate::runbook::describe_action(&runbook, &runbook.stages[0].steps[0], &scope(&runbook));
    let kept = "A,B,GONOGO_SESSION,GONOGO_STEP,GONOGO_ATTEMPT";
    assert_eq!(shown, format!("B=3 sudo -n -u app --preserve-env={kept} -- x"));
}
