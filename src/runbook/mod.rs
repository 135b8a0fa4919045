//! What a runbook may say: its model, and the way from a TOML file to it.

pub mod codes;
pub mod describe;
pub mod diagnostic;
pub mod file;
pub mod id;
pub mod interpolate;
pub mod load;
pub mod model;
pub mod number;
pub mod patterns;
pub mod plan;
pub mod quote;
pub mod schema;
pub mod series;
pub mod user;

pub use describe::describe_action;
pub use diagnostic::{Diagnostic, Severity};
pub use id::{CheckId, StageId, StepId, TriggerId};
pub use load::{Inputs, Loaded, Source, load};
