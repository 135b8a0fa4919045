//! `gonogo ctl`: what the cockpit's keys do, from a script.

mod ask;
mod handover;
mod help;
mod reach;
mod status;
mod until;
mod verb;
mod watch;

use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::json;

use super::place;
use super::who::As;
use crate::text;
use crate::wire::message::{Hello, Kind};
use reach::{Failure, Reached, reach};
use verb::Verb;

/// Which session, and what for.
#[derive(Debug, ClapArgs)]
#[command(after_help = help::CTL, subcommand_help_heading = "Commands")]
pub(super) struct Args {
    /// A session's name, a part that only one has, or its folder.
    session: String,
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    who: As,
    /// The last event that you had seen when you decided (default: what there is when this connects).
    #[arg(long, value_name = "SEQ", global = true)]
    seen: Option<u64>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// Runs `gonogo ctl`.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let roles = args.verb.role().into_iter().cloned().collect();
    let hello = Hello { roles, ..args.who.hello(Kind::Ctl)? };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start a connection's thread")?;
    match runtime.block_on(carry_out(args, hello)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) => {
            if args.json {
                println!("{}", text::visible_json(failure.as_json().to_string()));
            } else {
                anstream::eprintln!("gonogo: {}", text::safe_line(&failure.in_words()));
            }
            Ok(ExitCode::from(failure.code()))
        }
    }
}

async fn carry_out(args: &Args, hello: Hello) -> Result<(), Failure> {
    let place = place::find_live(&args.session).map_err(Failure::Usage)?;
    let reached = reach(&place, Hello { session: Some(place.name.clone()), ..hello }).await?;
    match &args.verb {
        Verb::Status => {
            let status = reached.status();
            match args.json {
                true => println!("{}", text::visible_json(json!(status).to_string())),
                false => anstream::print!("{status}"),
            }
            Ok(())
        }
        Verb::Handover => {
            let reading = reached.handover();
            match args.json {
                true => println!("{}", text::visible_json(json!(reading).to_string())),
                false => anstream::print!("{reading}"),
            }
            Ok(())
        }
        Verb::Events { follow, after } => {
            watch::events(reached, place.log.as_deref(), *after, *follow, args.json).await
        }
        Verb::Wait { until, timeout } => {
            let (until, seq) = watch::wait(reached, until, *timeout).await?;
            match args.json {
                true => {
                    println!(
                        "{}",
                        text::visible_json(json!({ "ok": true, "reached": until, "seq": seq }).to_string())
                    )
                }
                false => anstream::println!("{}", until.word()),
            }
            Ok(())
        }
        verb => {
            let command = verb.command(reached.state()).map_err(Failure::Usage)?;
            match (reached, command) {
                (Reached::Attached(attached), Some(command)) => {
                    let done = ask::ask(*attached, verb, command, args.seen).await?;
                    match args.json {
                        true => println!("{}", text::visible_json(done.as_json().to_string())),
                        false => anstream::println!("{}", text::safe_line(done.in_words())),
                    }
                    Ok(())
                }
                (Reached::Recorded { why, recorded, .. }, _) if recorded.state.is_closed() => {
                    Err(Failure::Refused(why))
                }
                (Reached::Recorded { why, .. }, _) => Err(Failure::Lost(why)),
                (Reached::Attached(_), None) => Ok(()),
            }
        }
    }
}
