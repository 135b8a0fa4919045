//! What `--help` says behind the options: examples, and what a script can rely on.

pub(super) const CTL: &str = "\
Examples:
  gonogo ctl orders status                       where it stands, and what is missing
  gonogo ctl orders wait go --timeout 10m && gonogo ctl orders advance
  gonogo ctl orders pause                        anyone may, at any time
  gonogo ctl orders rollback --reason \"errors on checkout\"
  gonogo ctl orders status --json | jq -r .standing

SESSION is a name, a part of one that only one session has (or only one that is live, or else only one that is not \
over), or a path.

Who you are is what the kernel says of this process, as with `attach`; nobody claims to drive: whoever has the \
wheel drives from a script too. Where two people come as the same user (both as root), `--as NAME` tells \
them apart, with a passphrase from GONOGO_PASSPHRASE, else asked for on the terminal. A script counts as its \
person: who comes only for a command is recorded as coming and going with it. A look alone is not recorded.

A command that depends on what you saw carries the number of the last event that this process had seen when it \
connected. Where somebody advanced, voted or rolled back since, it is refused: of two at once exactly one wins. \
--seen SEQ says it yourself, from `.log.seq` of an earlier `status --json`.

Nothing asks back: `rollback` and `abort` do what they say. Every reason may be given as --reason; where one is needed \
(abort, skip, resolve, accept-drift) it may also be the last word.

With --json a command prints one object:
  {\"ok\":true,\"did\":\"paused\",\"seq\":212}    what the log says of it, and the event's number
  {\"ok\":false,\"refused\":\"NO-GO: …\"}       exit code 3
  {\"ok\":false,\"error\":\"…\"}                exit code 1 or 2

Exit codes:
  0 done   1 the engine is gone, or cannot be reached   2 usage: no such session, step or item
  3 refused; for `wait`, not reached";

pub(super) const STATUS: &str = "\
Example: gonogo ctl orders status --json | jq '.stage.gate.missing[].what'

Of a session whose engine is gone, or that is over, it says what the log has, and that it does. Exit code 0 in \
every state.

With --json one object with these keys; null, or an empty list, where there is none:
  session, title, mode (live, rehearsal, simulated), elapsed_ms
  engine        live, gone or over; with `since` where it is gone or over
  state         acknowledging, running, holding, rolling_back, rollback_stuck, rolled_back, completed, aborted
  standing      the state as a sentence
  paused        by, at
  stage         the one in hand: id, title, number, of, at_gate,
                gate {go, missing [{what, release, liftable}]}, soak {so_far_ms, asked_ms, running},
                items [{item, passed}], votes [{person, role, go, note, void}],
                override_asked {by, reason, missing}: one that waits for `second`
  next_stage    id, title, point_of_no_return
  holds         why nothing new starts: what, release
  questions     step, kind (confirm, unknown), question
  running       step, attempt, elapsed_ms, budget_ms, ending
  countdowns    trigger, why, fires_in_ms
  not_green     check, health, reason: what is looked at now and not green
  way_back      go, missing: whether everything that a rollback needs is there; unproven: no check tells
  driver, driver_away (since when), here [{person, seat, roles, since}], wheel_offered_to, wheel_asked_by
  log           health (ok, full, failed), why, head (SEQ:HASH), seq";

pub(super) const HANDOVER: &str = "\
Example: gonogo ctl orders handover > handover.txt

With --json one object with these keys:
  session, title, engine, since, standing, elapsed_ms, head   as in `status --json`
  situation     as `state` there
  stage, wheel, here       the stage in hand, who drives, who is here
  holds, missing           what stands in the way: what, release, liftable
  running       step, attempt, for_ms, what
  questions     the steps that wait for an answer
  next          what happens by itself, a sentence each
  rollback      what rolling back as far as it goes would do, as a sentence
  notes         the last five: seq, at, by, tag, text, attached";

pub(super) const EVENTS: &str = "\
Example: gonogo ctl orders events --follow --json | jq -r 'select(.event.kind == \"promoted\")'

With --json an object a line, as in the log without its hashes: seq, at, up_ms, by, event. With --follow it ends \
with exit code 0 when the session is over, and 1 when the engine is gone.";

pub(super) const WAIT: &str = "\
Example: gonogo ctl orders wait go held closed --timeout 30m

It prints the first of the states that is reached. Where the session is over before that, or the time is, the exit \
code is 3; where the engine is gone, 1. With --json: {\"ok\":true,\"reached\":\"go\",\"seq\":120}.";

pub(super) const ADVANCE: &str = "\
Examples:
  gonogo ctl orders advance
  gonogo ctl orders advance --typed retire      before a point of no return, its id is typed
  gonogo ctl orders advance --typed observe --override \"latency is the load test's\"";

pub(super) const ROLLBACK: &str = "\
Examples:
  gonogo ctl orders rollback                     everything, and the session is over
  gonogo ctl orders rollback --to switch         down to and with this stage

What it would do: `gonogo ctl SESSION handover`. It does it without asking. Where the runbook's rollback window is \
over it needs a reason.";

pub(super) const TICK: &str = "\
Examples:
  gonogo ctl orders tick observe \"dashboards are calm\"
  gonogo ctl orders tick freeze.told dba --fail \"nobody answers\"";

pub(super) const VOTE: &str = "\
Example: gonogo ctl orders vote go --role db --note \"replication is level\"

A vote counts for this entry of this stage, and is void when a check of the gate fails or a step is run again after \
it.";

pub(super) const NOTE: &str = "\
Example: gonogo ctl orders note \"replica lag was 4 s\" --tag observation --attach lag.png";

pub(super) const PASS: &str = "\
Examples:
  gonogo ctl orders pass anna                    offer the wheel to anna
  gonogo ctl orders handover                     anna reads where it stands,
  gonogo ctl orders wheel accept                 and takes it";
