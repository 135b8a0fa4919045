//! The dialogs as an operator meets them: keys in, outcomes and screens out.

mod crew;
mod fixture;
mod keys;
mod screens;
mod states;
mod storms;
