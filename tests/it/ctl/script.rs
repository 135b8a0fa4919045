//! One operator's script drives a session, from the policy to the end, also past what fails.

use super::*;

#[test]
fn a_script_drives_a_session_from_its_policy_to_a_gate_and_is_told_what_it_did() {
    let world = World::start();
    assert_eq!(world.refused(&["advance"]), "the policy is to be acknowledged first");
    assert_eq!(world.does(&["acknowledge"]), "policy acknowledged\n");
    assert_eq!(world.refused(&["acknowledge"]), "there is nothing to acknowledge");
    assert_eq!(world.does(&["advance"]), "entered ask\n");
    assert_eq!(world.does(&["wait", "question", "closed"]), "question\n");

    assert_eq!(world.refused(&["confirm", "ask.told", "yes"]), "\"the dba knows\" is not ticked as passed");
    let ambiguous = world.ctl(&["tick", "ask.told", "knows"]);
    assert_eq!(ambiguous.code, 2);
    assert!(ambiguous.err.contains("more than one item of ask.told"), "{}", ambiguous.err);
    assert!(world.ctl(&["tick", "ask.told", "nobody"]).err.contains("there are: \"the dba knows\""));
    assert!(
        world
            .does(&["tick", "ask.told", "dba"])
            .contains("ticked \"the dba knows\" of step ask.told as passed")
    );
    world.does(&["tick", "ask.told", "the shop knows"]);
    assert_eq!(
        world.does(&["confirm", "ask.told", "yes", "--note", "by mail"]),
        "step ask.told answered yes: by mail\n"
    );
    assert_eq!(world.refused(&["confirm", "ask.told", "yes"]), "ask.told does not wait for an answer");

    assert_eq!(world.does(&["wait", "gate"]), "gate\n");
    assert!(world.refused(&["advance"]).contains("NO-GO: \"Nobody complained\" is not ticked"));
    world.does(&["tick", "ask", "Nobody complained", "--fail", "anna did"]);
    world.does(&["tick", "ask", "leave"]);
    assert!(world.refused(&["advance"]).contains("was failed by"));
    world.does(&["tick", "ask", "complained", "--note", "she does not any more"]);
    assert_eq!(world.does(&["wait", "go"]), "go\n");
    assert_eq!(world.does(&["advance"]), "promoted ask; entered switch\n");
    assert_eq!(world.refused(&["wait", "closed", "--timeout", "10ms"]), "not closed within 10ms");
}

#[test]
fn steps_fail_are_tried_again_skipped_and_ended_from_a_script() {
    let world = World::switching();
    assert!(world.refused(&["retry", "switch.done"]).contains("switch.done is under way"));
    assert!(world.refused(&["kill", "ask.told"]).contains("ask.told is not running"));
    assert!(world.refused(&["skip", "ask.nothing", "x"]).contains("there is no step ask.nothing"));
    assert!(world.refused(&["resolve", "switch.done", "done", "seen"]).contains("is known"));
    assert!(world.does(&["kill", "switch.done"]).contains("step switch.done is being ended"));
    assert_eq!(world.does(&["wait", "held"]), "held\n");
    assert!(world.does(&["status"]).contains("step switch.done failed"), "{}", world.does(&["status"]));
    assert!(world.does(&["retry", "switch.done"]).contains("step switch.done attempt 2 started"));
    world.does(&["wait", "question"]);
    assert!(world.does(&["confirm", "switch.done", "no"]).contains("answered no"));
    world.does(&["wait", "held"]);
    let skipped = world.does(&["skip", "switch.done", "by hand"]);
    assert_eq!(skipped, "step switch.done skipped: by hand\n");
    world.does(&["wait", "gate"]);

    assert!(world.refused(&["advance", "--typed", "retire"]).contains("NO-GO: check flag is failing"));
    let over = world.refused(&["advance", "--typed", "retire", "--override", "it is there"]);
    assert!(over.contains("may never be overridden"), "{over}");
    world.have("flag");
    world.does(&["wait", "go"]);
    assert!(world.refused(&["advance"]).contains("type `retire` to enter it"));
    assert_eq!(world.does(&["advance", "--typed", "retire"]), "promoted switch; entered retire\n");
    assert!(world.refused(&["rollback", "--to", "ask"]).contains("point of no return"));
    world.does(&["wait", "question"]);
    world.does(&["confirm", "retire.gone", "yes"]);
    world.does(&["wait", "go"]);
    assert_eq!(world.does(&["advance"]), "promoted retire; session completed\n");
    assert_eq!(world.does(&["wait", "closed"]), "closed\n");
    assert_eq!(world.refused(&["pause"]), "the session is over: completed");
    assert_eq!(world.refused(&["wait", "gate"]), "the session is over: completed");
    assert_eq!(world.status()["engine"], "over");
}

#[test]
fn a_pause_a_note_with_a_file_and_a_veto_are_answered_with_the_logs_own_words() {
    let world = World::switching();
    assert_eq!(world.does(&["pause"]), "paused\n");
    assert_eq!(world.does(&["pause"]), "it stands so already\n", "a pause is never refused");
    assert!(world.does(&["status"]).contains("paused by"));
    assert_eq!(world.does(&["resume"]), "resumed\n");
    assert_eq!(world.refused(&["resume"]), "nothing is paused");

    std::fs::write(world.folder.path().join("lag.txt"), "4 s\n").expect("written");
    let noted = world.does(&["note", "the lag was 4 s", "--tag", "bug", "--attach", "lag.txt"]);
    assert!(noted.starts_with("bug: the lag was 4 s; evidence kept, lag.txt"), "{noted}");
    assert_eq!(world.refused(&["note", "  "]), "the note is empty");
    let missing = world.ctl(&["note", "x", "--attach", "nowhere.txt"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("nowhere.txt cannot be read"), "{}", missing.err);

    let trigger = "switch.calm.rollback";
    assert_eq!(world.refused(&["veto", trigger]), format!("trigger {trigger} is not counting down"));
    world.lose("calm");
    world.until("the countdown", |status| status["countdowns"][0]["trigger"] == trigger);
    assert!(world.does(&["status"]).contains("switch.calm.rollback fires in "));
    let vetoed = world.does(&["veto", trigger, "--reason", "known"]);
    assert_eq!(vetoed, "trigger switch.calm.rollback vetoed: known\n");
}

#[test]
fn a_rollback_and_an_abort_from_a_script_need_no_dialog() {
    let world = World::switching();
    let started = world.does(&["rollback", "--to", "switch", "--reason", "not today"]);
    assert_eq!(started, "rolling back to switch, 0 steps: not today\n");
    // Back at the gate of the stage before.
    world.does(&["wait", "gate"]);
    assert_eq!(world.status()["next_stage"]["id"], "switch");
    assert!(world.refused(&["rollback", "--to", "retire"]).contains("retire was not entered"));
    assert!(world.ctl(&["abort", " "]).err.contains("an abort needs a reason"));
    for args in [&["abort"][..], &["abort", "one", "--reason", "two"]] {
        let said = world.ctl(args);
        assert_eq!(said.code, 2, "one reason, and only one: {}", said.err);
        assert!(said.err.contains("REASON"), "{}", said.err);
    }
    assert_eq!(world.ctl(&["rollback", "switch"]).code, 2, "a stage is not taken for a reason");
    assert_eq!(world.does(&["abort", "--reason", "withdrawn"]), "session aborted: withdrawn\n");
    assert!(world.ctl(&["status"]).out.contains("over since"));
}

#[test]
fn with_json_every_answer_is_one_object() {
    let world = World::start();
    let refused = world.ctl(&["advance", "--json"]);
    let why = serde_json::json!({ "ok": false, "refused": "the policy is to be acknowledged first" });
    assert_eq!((refused.code, refused.json()), (3, why));
    let done = world.ctl(&["--json", "acknowledge"]);
    let json = done.json();
    assert_eq!((done.code, &json["ok"], &json["did"]), (0, &true.into(), &"policy acknowledged".into()));
    assert!(json["seq"].as_u64().is_some_and(|seq| seq > 1));
    world.does(&["advance"]);
    world.does(&["wait", "question"]);
    let unknown = world.ctl(&["tick", "nowhere", "x", "--json"]);
    let why = serde_json::json!({ "ok": false, "error": "there is no stage nowhere" });
    assert_eq!((unknown.code, unknown.json()), (2, why));
    let nobody = world.gonogo(&["ctl", "elsewhere", "status", "--json"]);
    assert_eq!((nobody.code, &nobody.json()["ok"]), (2, &false.into()));
    let waited = world.ctl(&["wait", "question", "--json"]).json();
    assert_eq!((&waited["ok"], &waited["reached"]), (&true.into(), &"question".into()));

    let status = world.status();
    assert_eq!(status["engine"], "live");
    assert_eq!(status["session"], world.session.as_str());
    assert_eq!(status["stage"]["id"], "ask");
    assert_eq!(status["stage"]["of"], 3);
    assert_eq!(status["questions"][0]["question"], "Are the teams told?");
    assert_eq!(status["log"]["health"], "ok");
    let head = status["log"]["head"].as_str().expect("a head");
    let verified = world.gonogo(&["verify", "move", "--anchor", head]);
    assert_eq!(verified.code, 0, "{}", verified.out);

    let events = world.ctl(&["events", "--json"]).out;
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events[0]["event"]["kind"], "session_opened");
    assert!(events.iter().zip(1..).all(|(event, seq)| event["seq"] == seq), "in order, without a gap");
    let last = world.ctl(&["events", "--after", "1"]).out;
    assert!(!last.contains("#1 ") && last.contains("policy acknowledged"), "{last}");
}

#[test]
fn a_handover_says_what_is_open_what_comes_by_itself_and_what_rolling_back_would_do() {
    let world = World::switching();
    world.does(&["note", "the lag was 4 s", "--tag", "decision"]);
    world.does(&["pause"]);
    let text = world.does(&["handover"]);
    for told in [
        "the session is paused by",
        "released by: resume",
        "switch.done",
        "by itself",
        "back to before ask",
        "the lag was 4 s",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let json = world.ctl(&["handover", "--json"]).json();
    assert_eq!((&json["engine"], &json["stage"]), (&"live".into(), &"switch".into()));
    assert_eq!(json["notes"][0]["tag"], "decision");
    assert!(json["next"].as_array().is_some_and(|next| !next.is_empty()));
}

#[test]
fn events_are_followed_until_the_session_is_over() {
    let world = World::start();
    let mut command = world.command(&["ctl", "move", "events", "--follow"]);
    let mut following = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
    let mut until = |what: &str| lines.by_ref().map_while(Result::ok).any(|line| line.contains(what));
    assert!(until("engine started"));
    world.does(&["acknowledge"]);
    assert!(until("policy acknowledged"));
    world.does(&["abort", "enough"]);
    assert!(until("session aborted: enough"));
    assert!(following.wait().expect("it ends").success());
}

#[test]
fn of_two_who_advance_at_once_one_wins_and_the_other_is_told_who() {
    let world = World::start();
    world.does(&["acknowledge"]);
    let seen = world.status()["log"]["seq"].to_string();
    let advance = || {
        let mut command = world.command(&["ctl", "move", "advance", "--seen", &seen]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    let both = [advance(), advance()].map(|child| child.wait_with_output().expect("it ends"));
    let mut codes = both.iter().map(|output| output.status.code()).collect::<Vec<_>>();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(3)]);
    let loser = both.iter().find(|output| !output.status.success()).expect("one lost");
    let why = String::from_utf8_lossy(&loser.stderr);
    assert!(why.contains(&format!("while you decided: entered ask ({})", user())), "{why}");
    assert_eq!(world.status()["stage"]["id"], "ask", "one advance, one stage");
}

/// A step that takes longer than any test.
const SLOW: &str = r#"
id = "move"
title = "Move the shop"
[[stage]]
id = "copy"
  [[stage.step]]
  id = "rows"
  run = "echo started; sleep 600"
"#;

#[test]
fn a_session_that_an_engine_and_a_shim_left_is_resolved_by_script() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("move.toml"), SLOW).expect("written");
    std::fs::write(folder.path().join("answers.toml"), "advance = true\n").expect("written");
    let mut engine = Command::new(GONOGO)
        .args(["run", "move.toml", "--rehearsal", "--headless", "--answers", "answers.toml"])
        .env("GONOGO_STATE_DIR", folder.path().join("state"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut words = BufReader::new(engine.stdout.take().expect("piped")).lines();
    let opened =
        words.by_ref().map_while(Result::ok).find(|line| line.contains(" opened: ")).expect("it opens");
    let session =
        opened.split_whitespace().skip_while(|word| *word != "session").nth(1).expect("a name").to_owned();
    let mut world = World { folder, engine, session, _words: words };
    world.until("the command", |status| status["running"][0]["step"] == "copy.rows");
    let records = world.session_folder().join("steps/copy.rows.1");
    let pid = |record: &str, of: &str| {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(records.join(record)).unwrap_or_default();
            if let Some(pid) =
                serde_json::from_str::<Value>(&text).ok().and_then(|json| json[of]["pid"].as_i64())
            {
                return nix::unistd::Pid::from_raw(i32::try_from(pid).expect("a pid"));
            }
            assert!(Instant::now() < end, "there is no pid in {record}: {text}");
        }
    };
    let (shim, command) = (pid("started.json", "shim"), pid("command.json", "command"));
    world.kill();
    for pid in [shim, command] {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it lived");
    }
    assert_eq!(world.ctl(&["kill", "copy.rows"]).code, 1, "nobody is there to end it");
    let back = world.gonogo(&["resume", "move", "--detach"]);
    assert_eq!(back.code, 0, "{}{}", back.out, back.err);
    world.does(&["wait", "held"]);
    let status = world.does(&["status"]);
    let answer = format!("`gonogo ctl {} resolve copy.rows done|failed|run-again ", world.session);
    assert!(status.contains("copy.rows is unknown") && status.contains(&answer), "{status}");
    assert!(world.refused(&["retry", "copy.rows"]).contains("say it first"));
    let again = world.does(&["resolve", "copy.rows", "run-again", "nothing was copied"]);
    assert!(again.starts_with("step copy.rows resolved as run again: nothing was copied; "), "{again}");
    assert!(world.refused(&["abort", "enough"]).contains("kill it first"));
    assert_eq!(
        world.does(&["kill", "copy.rows"]).trim(),
        format!("step copy.rows attempt 2 is being ended: ended by {}", user())
    );
    world.does(&["wait", "held"]);
    world.does(&["abort", "enough"]);
    assert_eq!(world.ctl(&["status"]).code, 0);
}

#[test]
fn help_teaches_every_command_with_an_example() {
    let help = |args: &[&str]| said(Command::new(GONOGO).args(args)).out;
    let commands = [
        "status",
        "handover",
        "events",
        "wait",
        "acknowledge",
        "advance",
        "pause",
        "resume",
        "rollback",
        "retry",
        "skip",
        "kill",
        "confirm",
        "tick",
        "vote",
        "second",
        "veto",
        "note",
        "resolve",
        "pass",
        "abort",
    ];
    for command in commands {
        let help = help(&["ctl", "x", command, "--help"]);
        assert!(
            help.contains("Example") && help.contains(&format!("ctl orders {command}")),
            "{command}: {help}"
        );
    }
    assert!(help(&["ctl", "--help"]).contains("Exit codes:"));
    assert!(help(&["sessions", "--help"]).contains("gone_since"));
}
