//! The names by which the parts of a runbook are known everywhere: in TOML, in the log and on the screen.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// A stage: `switch`.
    StageId
);
id!(
    /// A check: `readyz`.
    CheckId
);
id!(
    /// A step or rollback step by its full name, `stage.step`; the plan's own rollback steps are `rollback.step`.
    StepId
);
id!(
    /// A trigger: `stage.check.then` or, for the runbook's own, `check.then`, with `.2`, `.3` where that repeats.
    TriggerId
);

/// The word that stands for a stage in the names of the plan's own rollback steps.
pub const ROLLBACK: &str = "rollback";

impl StepId {
    /// The full name of `step` in `stage`.
    #[must_use]
    pub fn new(stage: &str, step: &str) -> Self {
        Self::from(format!("{stage}.{step}"))
    }

    /// The stage's part of the name (`rollback` for the plan's own rollback steps).
    #[must_use]
    pub fn stage(&self) -> &str {
        self.0.split_once('.').map_or("", |(stage, _)| stage)
    }

    /// The step's own part of the name.
    #[must_use]
    pub fn step(&self) -> &str {
        self.0.split_once('.').map_or(&*self.0, |(_, step)| step)
    }
}
