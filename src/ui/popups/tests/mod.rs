//! The dialogs as an operator meets them: keys in, outcomes and screens out.

mod fixture;
mod keys;
mod screens;
mod states;
mod storms;
