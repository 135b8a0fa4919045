//! As whom somebody comes to a session's engine.

use clap::Args as ClapArgs;
use color_eyre::eyre::{Result, WrapErr as _};

use crate::text;
use crate::wire::message::{Hello, Kind, Passphrase};

/// As whom somebody comes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct As {
    /// The name to be known by, where the system cannot tell people apart; asks for its passphrase.
    #[arg(long = "as", value_name = "NAME", global = true)]
    name: Option<String>,
}

impl As {
    /// The hello of somebody who comes so.
    ///
    /// # Errors
    /// The passphrase cannot be asked for.
    pub(super) fn hello(&self, kind: Kind) -> Result<Hello> {
        let mut hello = Hello::new(kind);
        if let Some(name) = &self.name {
            hello.person = Some(name.clone());
            hello.passphrase = Some(Passphrase(passphrase(name)?));
        }
        Ok(hello)
    }
}

/// As whom somebody comes to sit there.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct Who {
    #[command(flatten)]
    known_as: As,
    /// A role to vote and confirm for.
    #[arg(long = "for", value_name = "ROLE")]
    roles: Vec<String>,
}

impl Who {
    /// The hello of somebody who comes so.
    ///
    /// # Errors
    /// The passphrase cannot be asked for.
    pub(super) fn hello(&self, kind: Kind) -> Result<Hello> {
        Ok(Hello { roles: self.roles.clone(), ..self.known_as.hello(kind)? })
    }
}

/// The passphrase of a name: from `GONOGO_PASSPHRASE`, else typed.
fn passphrase(name: &str) -> Result<String> {
    if let Ok(given) = std::env::var("GONOGO_PASSPHRASE") {
        return Ok(given);
    }
    rpassword::prompt_password(format!("passphrase of {} for this session: ", text::safe(name)))
        .wrap_err("the passphrase cannot be asked for here: set GONOGO_PASSPHRASE")
}
