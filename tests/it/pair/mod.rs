//! A cutover that is driven in pairs: real cockpits on real terminals, by real users of this machine. Becoming another
//! user takes root; without it these tests say so and end.

mod world;

use gonogo::session::Command;
use gonogo::wire::message::{Hello, Kind, ToServer};
use nix::unistd::User;
use serde_json::Value;

use world::*;

#[tokio::test]
async fn two_users_see_each_other_vote_pause_and_pass_the_wheel() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, mut ben) = at_the_first_gate(&world).await;
    for desk in [&mut anna, &mut ben] {
        desk.press("7").await;
        desk.until("both in the crew panel", |s| {
            let has = |name: &str, seat: &str| s.lines().any(|l| l.contains(name) && l.contains(seat));
            has(ANNA, "driver") && has(BEN, "navigator")
        })
        .await;
    }
    let roles = |person: &str| -> Vec<Value> {
        let joined = world.kinds("operator_joined").into_iter();
        joined
            .filter(|event| event["person"]["person"] == person)
            .map(|event| event["roles"].clone())
            .collect()
    };
    assert_eq!(roles(ANNA), [serde_json::json!(["shop"])], "the runbook's group");
    assert_eq!(roles(BEN), [serde_json::json!(["db", "shop"])], "the runbook's user and group");

    // Two say GO; whoever only navigates does not advance.
    answer(&mut ben, "v", "VOTE", "y").await;
    anna.shows("1 of 2 approvals").await;
    world.ctl(BEN, &["advance"]).refused("only the driver may");
    answer(&mut anna, "v", "VOTE", "y").await;
    anna.until("a gate that is GO", |s| s.contains("GO") && !s.contains("of 2 approvals")).await;

    // Anyone pauses; the driver alone goes on.
    ben.press("p").await;
    for desk in [&mut anna, &mut ben] {
        desk.shows("PAUSED").await;
    }
    ben.press("P").await;
    ben.shows("only the driver may").await;
    answer(&mut anna, "P", "RESUME", "y").await;
    ben.until("no pause", |s| !s.contains("PAUSED")).await;

    // The wheel: asked for, offered, taken by whoever has read where the session stands.
    answer(&mut ben, "H", "THE WHEEL", "y").await;
    anna.shows("asks for the wheel").await;
    answer(&mut anna, "H", "THE WHEEL", "y").await;
    ben.shows("wheel offered to").await;
    answer(&mut ben, "H", "HANDOVER", "y").await;
    anna.until("the other drives", |s| s.lines().any(|l| l.contains(BEN) && l.contains("driver"))).await;
    ben.until("the wheel is his", |s| s.contains(&format!("driver: {BEN}"))).await;
    ben.go("a", "GO / NO-GO").await;
    anna.shows("Switch it").await;
    world
        .until_recorded("the second stage", |events| {
            events.iter().any(|e| e["event"]["kind"] == "stage_entered" && e["event"]["stage"] == "switch")
        })
        .await;
    let acknowledged = world.events().into_iter().find(|e| e["event"]["kind"] == "handover_acknowledged");
    assert_eq!(acknowledged.expect("the handover was acknowledged")["by"]["person"], BEN);

    // One's terminal is pulled: nothing hangs, and the other takes the wheel.
    drop(ben);
    anna.shows("AWAY").await;
    anna.shows("the driver is away").await;
    answer(&mut anna, "H", "HANDOVER", "y").await;
    anna.until("the wheel taken", |s| s.lines().any(|l| l.contains(ANNA) && l.contains("driver"))).await;
    assert_eq!(world.kinds("operator_left").len(), 1);
    world.is_in_order();
}

#[tokio::test]
async fn of_two_who_press_advance_at_once_one_wins_and_the_other_reads_who() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, mut ben) = at_the_first_gate(&world).await;
    // The wheel is one person's; they have two terminals.
    let mut twin = world.sits(ANNA, &["attach"], None);
    answer(&mut ben, "v", "VOTE", "y").await;
    anna.shows("1 of 2 approvals").await;
    answer(&mut anna, "v", "VOTE", "y").await;
    world
        .until_recorded("two votes", |events| {
            events.iter().filter(|e| e["event"]["kind"] == "voted").count() == 2
        })
        .await;
    for desk in [&mut anna, &mut twin] {
        desk.shows("GO: everything that").await;
        desk.press("a").await;
        desk.shows("GO / NO-GO").await;
        desk.press("\x1b[F").await;
        desk.armed().await;
    }
    tokio::join!(anna.press("y"), twin.press("y"));
    world
        .until_recorded("the next stage", |events| {
            events.iter().filter(|e| e["event"]["kind"] == "stage_entered").count() == 2
        })
        .await;
    let lost = |screen: &str| screen.contains("moved on") || screen.contains("nothing was sent");
    // One of the two has it on the screen: what happened meanwhile, and by whom.
    tokio::select! {
        () = anna.until("who won", lost) => {}
        () = twin.until("who won", lost) => {}
    }
    let entered = world.kinds("stage_entered");
    assert_eq!(entered.len(), 2, "one press, one stage: {entered:?}");
    world.is_in_order();
}

#[tokio::test]
async fn a_script_counts_as_its_person_and_a_look_leaves_no_trace() {
    let Some(world) = world(ANNA) else { return };
    let mut anna = world.sits(ANNA, &["run", &world.runbook(), "--share", GROUP], None);
    anna.shows("READY").await;
    anna.go("a", "GO / NO-GO").await;
    anna.shows("0 of 2 approvals").await;
    world.ctl(BEN, &["status"]).done();
    world.ctl(BEN, &["events"]).done();
    assert_eq!(world.kinds("operator_joined").len(), 1, "whoever looks has not come");
    world.ctl(BEN, &["vote", "go"]).done();
    let events = world.events();
    let joined = events.iter().find(|e| e["event"]["kind"] == "operator_joined" && e["by"]["person"] == BEN);
    let joined = joined.expect("whoever votes has come");
    assert_eq!(joined["by"]["seat"], "navigator");
    assert_eq!(joined["event"]["roles"], serde_json::json!(["db", "shop"]));
    let uid = User::from_name(BEN).ok().flatten().expect("looked at before").uid.as_raw();
    assert_eq!(joined["event"]["credentials"]["uid"], uid);
    world
        .until_recorded("the script's leaving", |events| {
            events.iter().any(|e| e["event"]["kind"] == "operator_left" && e["event"]["why"] == "a script's")
        })
        .await;
    anna.shows("1 of 2 approvals").await;
    // Twice is once, and again from a cockpit too.
    world.ctl(BEN, &["vote", "go"]).done();
    world.ctl(ANNA, &["status"]).done();
    anna.shows("1 of 2 approvals").await;
    world.ctl(BEN, &["advance"]).refused("only the driver may");
    // The driver's own script drives.
    world.ctl(ANNA, &["vote", "go"]).done();
    world.ctl(ANNA, &["advance"]).done();
    anna.shows("Switch it").await;
    assert_eq!(world.kinds("wheel_passed").len(), 0);

    // The gate's check is red. An override that the driver asks for is another's to grant, by a script too.
    world.ctl(ANNA, &["wait", "gate"]).done();
    anna.shows("flag is failing").await;
    world.ctl(ANNA, &["advance", "--typed", "switch", "--override", "seen by hand"]).done();
    world.ctl(ANNA, &["second", "go"]).refused("a second person answers");
    world.ctl(BEN, &["second", "go", "--note", "seen too"]).done();
    let promoted = world.kinds("promoted").pop().expect("it was overridden");
    assert_eq!(promoted["asked_by"], ANNA, "{promoted}");
    // Who stands for a role answers for it; who does not may not claim it either.
    world.ctl(ANNA, &["confirm", "tell.told", "yes"]).refused("answered for db");
    world.ctl(ANNA, &["confirm", "tell.told", "yes", "--role", "db"]).refused("the runbook says _apt");
    world.ctl(BEN, &["confirm", "tell.told", "yes"]).done();
    world.is_in_order();
}

#[tokio::test]
async fn two_who_are_both_root_count_as_two_by_their_passphrases_alone() {
    let Some(world) = world("root") else { return };
    let mut first = world.sits("root", &["run", &world.runbook()], None);
    first.shows("READY").await;
    let mut second = world.sits("root", &["attach"], None);
    second.shows("READY").await;
    first.go("a", "GO / NO-GO").await;
    first.shows("0 of 2 approvals").await;
    second.shows("0 of 2 approvals").await;
    // Two terminals of root are nobody in particular, and it says what to do.
    answer(&mut first, "v", "VOTE", "y").await;
    second.shows("--as NAME").await;
    answer(&mut second, "v", "VOTE", "y").await;
    let gate = world.ctl("root", &["status", "--json"]).done();
    let gate: Value = serde_json::from_str(&gate).expect("JSON");
    let what = gate["stage"]["gate"]["missing"][0]["what"].as_str().expect("something is missing").to_owned();
    assert!(what.starts_with("0 of 2 approvals") && what.contains("gonogo attach --as NAME"), "{what}");
    first.shows("--as NAME").await;

    let mut anna = world.sits("root", &["attach", "--as", "anna"], Some("a horse, a staple"));
    anna.shows("--as NAME").await;
    answer(&mut anna, "v", "VOTE", "y").await;
    first.shows("1 of 2 approvals").await;
    anna.shows("1 of 2 approvals").await;
    // Once more the same person is still one.
    answer(&mut anna, "v", "VOTE", "y").await;
    first.shows("1 of 2 approvals").await;
    let ben = &["ctl", "pair", "--as", "ben", "vote", "go"];
    world
        .script("root", &["ctl", "pair", "--as", "anna", "vote", "go"], Some("guessed it"))
        .refused("not the passphrase");
    world.script("root", ben, Some("a battery, correct")).done();
    first.until("a gate that is GO", |s| !s.contains("of 2 approvals")).await;
    world.ctl("root", &["advance"]).done();
    assert_eq!(world.kinds("stage_entered").len(), 2);
    world.is_in_order();
}

#[tokio::test]
async fn strangers_observers_and_garbage_are_refused_recorded_and_harmless() {
    let Some(world) = world(ANNA) else { return };
    let (mut anna, ben) = at_the_first_gate(&world).await;
    drop(ben);
    world
        .until_recorded("the other gone", |events| {
            events.iter().any(|e| e["event"]["kind"] == "operator_left")
        })
        .await;

    // Who is not of the group does not even reach the door.
    let door = world.door();
    let stranger = world.script(STRANGER, &["attach", &door.display().to_string()], None);
    assert_ne!(stranger.code, Some(0));
    let hello = |observe| ToServer::Hello(Hello { observe, ..Hello::new(Kind::Cockpit) });
    for outside in [["--reuid", STRANGER, "--regid", STRANGER], ["--reuid", "4242", "--regid", "4242"]] {
        assert_eq!(by_hand(&outside, &door, &[json(&hello(false))]), ["closed"], "{outside:?}");
    }
    // Through the group's door, but nobody of this machine: refused, and recorded.
    let said = by_hand(&["--reuid", "4242", "--regid", GROUP], &door, &[json(&hello(false))]);
    assert!(said[0].contains("unmapped: uid 4242"), "{said:?}");
    let unmapped = |e: &Value| e["event"]["why"].as_str().is_some_and(|why| why.contains("uid 4242"));
    world.until_recorded("the unmapped uid", |events| events.iter().any(unmapped)).await;

    // An observer's keys, and the same by hand.
    let mut observer = world.sits(BEN, &["attach", "--observe"], None);
    observer.shows("of 2 approvals").await;
    observer.press("v").await;
    observer.shows("only looks on").await;
    let ask =
        |(id, command): (u64, Command)| json(&ToServer::Ask { id, command, seen_seq: 9_999, upload: None });
    let commands = [
        Command::Advance { typed: None, over: None },
        Command::Rollback { to: None, reason: None },
        Command::AskWheel,
        Command::TakeWheel,
        Command::Pause,
    ];
    let mut messages = vec![json(&hello(true))];
    messages.extend((0..).zip(commands).map(ask));
    messages.push("\u{1b}[2J this is no message".to_owned());
    let said = by_hand(&["--reuid", BEN, "--regid", GROUP], &door, &messages);
    assert!(said[0].contains("welcome"), "{said:?}");
    assert!(said[1..5].iter().all(|answer| answer.contains("an observer cannot")), "{said:?}");
    assert!(said[5].contains("\"refusal\":null"), "anyone may pause: {said:?}");
    assert!(said[6].contains("bye"), "garbage ends a connection: {said:?}");
    anna.shows("PAUSED").await;

    let kinds: Vec<String> =
        world.kinds("command_refused").iter().map(|e| e["command"].to_string()).collect();
    for word in ["attach", "advance", "roll back", "ask for the wheel", "take the wheel"] {
        assert!(kinds.iter().any(|kind| kind.contains(word)), "{word}: {kinds:?}");
    }
    assert_eq!(world.kinds("stage_entered").len(), 1);
    assert_eq!(world.kinds("rollback_started").len() + world.kinds("wheel_passed").len(), 0);
    answer(&mut anna, "P", "RESUME", "y").await;
    world.is_in_order();
}
