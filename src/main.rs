//! The thin binary: everything is in the library.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use color_eyre::config::{HookBuilder, Theme};

fn main() -> ExitCode {
    // A shim is small and single-threaded: it starts before anything else does.
    let mut args = std::env::args_os().skip(1);
    if let (Some(command), Some(step_dir), None) = (args.next(), args.next(), args.next())
        && command == "shim"
    {
        return gonogo::engine::shim::main(Path::new(&step_dir));
    }
    install_hooks();
    match gonogo::cli::main() {
        Ok(code) => code,
        Err(e) => {
            let sentence = format!("{e:#}");
            anstream::eprintln!("gonogo: {}", gonogo::text::safe(&sentence));
            ExitCode::FAILURE
        }
    }
}

/// What panics print, and the one provider of cryptography.
fn install_hooks() {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let theme = if colour { Theme::dark() } else { Theme::new() };
    // Both fail only where they were installed before.
    let report = HookBuilder::default().theme(theme).display_env_section(false);
    let _ = report.panic_message(gonogo::cli::crash::Crash).install();
    let _ = rustls::crypto::ring::default_provider().install_default();
}
