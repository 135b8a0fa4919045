//! Small parts that several panels draw with.

mod found;
mod frame;
mod row;
mod spark;

pub use found::mark_found;
pub use frame::Frame;
pub use row::Row;
pub use spark::{bar, spark};

use std::ops::Range;

/// Which of `len` rows to show in `height`, so that the selected one is in sight and, where it can be, in the middle.
#[must_use]
pub fn window(len: usize, selected: Option<usize>, height: usize) -> Range<usize> {
    let start = selected.unwrap_or(0).saturating_sub(height / 2).min(len.saturating_sub(height));
    start..len.min(start + height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_in_sight() {
        for len in 0..12 {
            for height in 0..6 {
                for selected in 0..len {
                    let shown = window(len, Some(selected), height);
                    assert!(shown.len() == len.min(height));
                    assert!(height == 0 || shown.contains(&selected), "{selected} of {len} in {height}");
                }
            }
        }
    }
}
