//! Several people by script: the wheel, votes, a second person's word.

use super::*;

#[test]
fn the_wheel_passes_by_script_between_two_whom_only_their_passphrases_tell_apart() {
    if !is_nobody_in_particular() {
        return;
    }
    let world = World::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _anna = runtime.block_on(world.attach("anna"));
    world.until("anna", |status| status["here"].as_array().is_some_and(|here| here.len() == 2));
    let anna = |args: &[&str]| world.ctl_as("anna", args);
    let mut stranger = world.command(&["ctl", "move", "--as", "anna", "status"]);
    let stranger = said(stranger.env("GONOGO_PASSPHRASE", "guessed"));
    assert_eq!(stranger.code, 3, "{}", stranger.err);
    let refused = anna(&["acknowledge"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("only the driver may"), "{}", refused.err);
    assert_eq!(anna(&["wheel", "ask"]).out, "asks for the wheel\n");
    assert!(world.does(&["status"]).contains("asked for by anna"));
    assert!(world.refused(&["pass", "bert"]).contains("bert"));
    assert_eq!(world.does(&["pass", "anna"]), "offers the wheel to anna\n");
    assert!(world.does(&["status"]).contains("offered to anna"));
    assert_eq!(anna(&["wheel", "decline"]).out, "the wheel stays where it is\n");
    world.does(&["wheel", "offer", "anna"]);
    let accepted = anna(&["wheel", "accept"]);
    assert!(accepted.out.contains("to anna"), "{}{}", accepted.out, accepted.err);
    assert_eq!(world.status()["driver"], "anna");
    assert!(world.refused(&["acknowledge"]).contains("only the driver may"));
    assert!(world.refused(&["wheel", "take"]).contains("anna"));
    assert_eq!(anna(&["acknowledge"]).code, 0);
}

#[test]
fn a_second_person_says_their_word_on_an_override_by_script() {
    if !is_nobody_in_particular() {
        return;
    }
    let world = World::of(VOTES);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _here = runtime.block_on(async { (world.attach("anna").await, world.attach("bert").await) });
    world.until("both", |status| status["here"].as_array().is_some_and(|here| here.len() == 3));
    world.does(&["pass", "anna"]);
    let [anna, bert] = ["anna", "bert"].map(|name| {
        move |world: &World, args: &[&str]| {
            let said = world.ctl_as(name, args);
            assert_eq!(said.code, 0, "{name} {args:?}: {}", said.err);
            said.out
        }
    });
    anna(&world, &["wheel", "accept"]);
    anna(&world, &["advance"]);
    world.does(&["wait", "question"]);
    bert(&world, &["confirm", "switch.ready", "yes"]);
    world.does(&["wait", "gate"]);
    // A vote from before the failure would be void.
    world
        .until("the failure", |status| status["stage"]["gate"]["missing"].to_string().contains("is failing"));
    assert_eq!(bert(&world, &["vote", "go", "--note", "level"]), "votes GO at the gate of switch: level\n");
    let asked = anna(&world, &["advance", "--typed", "switch", "--override", "the flag lies"]);
    assert!(asked.starts_with("asks a second person to override"), "{asked}");
    assert!(world.does(&["status"]).contains("anna asks for a second person's word: the flag lies"));
    assert_eq!(
        bert(&world, &["second", "no-go", "--note", "wait"]),
        "declines to override the gate of switch: wait\n"
    );
    anna(&world, &["advance", "--typed", "switch", "--override", "the flag lies"]);
    let own = world.ctl_as("anna", &["second", "go"]);
    assert_eq!(own.code, 3, "{}", own.out);
    let done = bert(&world, &["second", "go"]);
    assert!(done.starts_with("promoted switch, overriding 1 as anna asked"), "{done}");
    assert!(done.contains("session completed"), "{done}");
}

#[test]
fn votes_are_given_at_a_gate_that_asks_for_them_and_refused_before() {
    let world = World::of(VOTES);
    let early = world.ctl(&["vote", "go"]);
    assert_eq!(early.code, 2);
    assert!(early.err.contains("no stage is in hand"), "{}", early.err);
    world.have("flag");
    world.does(&["advance"]);
    assert!(world.refused(&["vote", "go"]).contains("has not come to its gate yet"));
    assert!(world.refused(&["second", "go"]).contains("nobody asks to override the gate of switch"));
    world.does(&["wait", "question"]);
    world.does(&["confirm", "switch.ready", "yes"]);
    world.does(&["wait", "gate"]);
    assert!(world.refused(&["vote", "go", "--role", "db"]).contains("asks for no role"));
    assert_eq!(
        world.does(&["vote", "no-go", "--note", "not yet"]),
        "votes NO-GO at the gate of switch: not yet\n"
    );
    assert!(world.refused(&["advance"]).contains("votes NO-GO: not yet"));
    world.does(&["vote", "go"]);
    assert_eq!(world.status()["stage"]["votes"][0]["go"], true);
    world.does(&["wait", "go"]);
    assert_eq!(world.does(&["advance"]), "promoted switch; session completed\n");
}
