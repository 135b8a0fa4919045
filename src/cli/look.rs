//! How a cockpit looks: the flags that every subcommand with a screen has.

use std::process::ExitCode;

use clap::Args as ClapArgs;

use super::exit;
use crate::audit::dir;
use crate::config::{self, Config, Flags};
use crate::text;
use crate::ui::Options;

/// Where copies are laid down, beside the sessions.
pub(super) const COPIES: &str = "copies";

#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Look {
    /// Colours: dark, light, contrast, blue-orange, mono, or a theme of your own.
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// Draw with characters that every terminal has.
    #[arg(long)]
    ascii: bool,
    /// Read no configuration file.
    #[arg(long)]
    no_config: bool,
}

impl Look {
    /// What the flags, the environment and the configuration files come to.
    ///
    /// # Errors
    /// What cannot be honoured was said, with its place.
    pub(super) fn config(&self) -> Result<Config, ExitCode> {
        let flags = Flags { theme: self.theme.clone(), ascii: self.ascii, no_config: self.no_config };
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        config::read(&flags, &config::folders(), set).map_err(|why| {
            anstream::eprintln!("gonogo: {}", text::safe(&why));
            ExitCode::from(exit::USAGE)
        })
    }
}

/// What the cockpit is opened with; `note` is told on arrival, after what the configuration has to tell.
pub(super) fn options(config: Config, note: Option<String>) -> Options {
    let Config { themes, keymap, mouse, frames, bell, notes, .. } = config;
    let said: Vec<String> = notes.into_iter().chain(note).collect();
    let copies = dir::state_dir().ok().map(|state| state.join(COPIES));
    Options {
        themes,
        keymap,
        mouse,
        frames,
        bell,
        tied: false,
        note: (!said.is_empty()).then(|| said.join("; ")),
        copies,
    }
}
