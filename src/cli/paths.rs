//! `gonogo paths`: where everything lies that gonogo reads and keeps.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;
use color_eyre::eyre::Result;
use serde_json::json;

use super::look::COPIES;
use crate::audit::dir;
use crate::config;
use crate::text;
use crate::wire::socket;

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example: ls \"$(gonogo paths --json | jq -r .sessions)\"

What is not there yet is marked; nothing is made by looking.")]
pub(super) struct Args {
    /// Print one object: each name with its path.
    #[arg(long)]
    json: bool,
}

/// Runs `gonogo paths`.
///
/// # Errors
/// The environment names no place for sessions.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let all = all()?;
    if args.json {
        let object: serde_json::Map<_, _> =
            all.into_iter().map(|(name, path, _)| (name.to_owned(), json!(path))).collect();
        println!("{}", text::visible_json(format!("{:#}", json!(object))));
        return Ok(ExitCode::SUCCESS);
    }
    for (name, path, what) in all {
        let there = if path.exists() { "" } else { ", not there" };
        let path = path.display().to_string();
        anstream::println!("{name:<12} {}  ({what}{there})", text::safe(&path));
    }
    Ok(ExitCode::SUCCESS)
}

/// Each place by its name, and what it is.
fn all() -> Result<Vec<(&'static str, PathBuf, &'static str)>> {
    let state = dir::state_dir()?;
    let mut all = Vec::new();
    for folder in config::folders() {
        let [file, themes, whose, of_whom] = if folder.as_os_str() == config::SITE {
            ["site-config", "site-themes", "configuration for everybody on this host", "themes for everybody"]
        } else {
            ["config", "themes", "your configuration", "your themes"]
        };
        all.push((file, config::file(&folder), whose));
        all.push((themes, config::themes(&folder), of_whom));
    }
    all.push(("state", state.clone(), "what gonogo keeps; GONOGO_STATE_DIR chooses another place"));
    all.push(("sessions", state.join("sessions"), "a folder for each session, with its log"));
    all.push(("copies", state.join(COPIES), "what `y` and `Y` copied in a cockpit"));
    all.push((
        "shared",
        socket::share_dir(),
        "sockets of shared sessions; GONOGO_SHARE_DIR chooses another place",
    ));
    Ok(all)
}
