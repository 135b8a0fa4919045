//! The thin binary: everything is in the library.

use std::path::Path;
use std::process::ExitCode;

fn main() -> color_eyre::Result<ExitCode> {
    // A shim is small and single-threaded: it starts before anything else does.
    let mut args = std::env::args_os().skip(1);
    if let (Some(command), Some(step_dir), None) = (args.next(), args.next(), args.next())
        && command == "shim"
    {
        return Ok(gonogo::engine::shim::main(Path::new(&step_dir)));
    }
    color_eyre::install()?;
    gonogo::cli::main()
}
