//! gonogo: a terminal cockpit for cutovers. It drives a runbook stage by stage, holds at every gate until checks,
//! soaks and people say GO, knows the way back at any moment, and leaves a log that proves what happened.
//!
//! Three rules decide everything: a green light is a proof and not an exit code, and no data is never green; the way
//! back is always open and known; nothing is lost, and nothing is guessed.
//!
//! # The pipeline
//! Every fact is an [`event::Event`] in one append-only log, and the [`session::State`] is the fold of that log and
//! nothing else. Five words, in one direction:
//!
//! ```text
//!  terminal → Key → Action → Command ─┐                   ┌→ audit: append, sync
//!   (ui, or headless with answers)    ├→ decide → Event ──┼→ fold → State → what follows (settle) → more events
//!      outcomes, samples, time ───────┘                   ├→ engine: effects (shim, checks) → outcomes
//!                                                         └→ feed → every screen: draw(&State, &View, now)
//! ```
//!
//! - [`session::decide`] turns an operator's command into events, or into a refusal in words.
//! - [`session::settle`] turns time and what is known into the events that follow by themselves.
//! - The engine's loop is serial: it decides, writes, syncs, and only then shows and acts.
//! - A [`feed::Feed`] is all that a screen sees of a session. One without a commander cannot act.
//! - `now` is a parameter everywhere; [`clock`] alone reads it.
//! - What others wrote comes through [`text`] before a terminal, and through [`redact`] before a disk.
//!
//! # The processes
//! The cockpit (`run`, `attach`), the engine (`engine`, started by `run` and `resume`) and a shim for each attempt of a
//! command are three processes, so that none takes another with it. A cockpit reaches its engine over the [`wire`], which
//! carries the log's own lines; the engine knows a command by what its [`engine::shim`] leaves on the disk. An engine that
//! takes over holds the log against [`session::legal`] before it adds to it.
//!
//! # The layers
//! A module names only modules before it in this map; `tests/it/layers.rs` holds the sources against it.
//!
//! | layer | module | what |
//! |---|---|---|
//! | L0 | [`clock`] | the only reader of clocks |
//! | L0 | [`text`] | untrusted bytes → displayable text |
//! | L0 | [`redact`] | secrets masked in every form that a program prints them in |
//! | L0 | [`process`] | processes by identity: pid, start time, boot |
//! | L1 | [`runbook`] | the model, the loader and its diagnostics, the plan |
//! | L1 | [`proof`] | matchers: one expectation, what was seen, met or not |
//! | L2 | [`event`] | what can happen, and one human line for each |
//! | L3 | [`session`] | the state, the fold, decisions, gates, the way back; pure |
//! | L3 | [`history`] | the session over its whole length: time, bands and marks; pure |
//! | L4 | [`audit`] | the hash-chained log: line, writer, verify |
//! | L4 | [`feed`] | the seam between a session and its screens |
//! | L4 | [`replay`] | a recorded session, and a playhead over it |
//! | L5 | [`guard`] | exact copies of files and their way back; whether files are what they were |
//! | L5 | [`check`] | probes of the world, and their thresholds |
//! | L5 | [`what_if`] | recorded samples under other limits, soaks and triggers |
//! | L5 | [`lab`] | stand-in services for rehearsals |
//! | L5 | [`engine`] | the loop, its drivers, the shim: the only place that touches the operator's systems |
//! | L5 | [`wire`] | the socket between an engine and cockpits in other processes |
//! | L5 | [`report`] | what a session was, gathered from its record and written in several forms |
//! | L6 | [`headless`] | a line an event, and answers from a file |
//! | L6 | [`ui`] | keys, view, screen, panels, dialogs |
//! | L6 | [`cast`] | the screen of a recorded session as a terminal recording |
//! | L7 | [`config`] | how the cockpit looks and is pressed: flags, environment, files |
//! | L8 | [`cli`] | one file a subcommand, wiring and nothing else |

pub mod audit;
pub mod cast;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod event;
pub mod feed;
pub mod guard;
pub mod headless;
pub mod history;
pub mod lab;
pub mod process;
pub mod proof;
pub mod redact;
pub mod replay;
pub mod report;
pub mod runbook;
pub mod session;
pub mod text;
pub mod ui;
pub mod what_if;
pub mod wire;
