//! Small parts that several panels draw with.

mod found;
mod frame;
mod row;
mod spark;

pub use found::mark_found;
pub use frame::Frame;
pub use row::Row;
pub use spark::{Span, bar, spark};

use std::ops::Range;

/// Which of `len` rows to show in `height`, so that the selected one is in sight and, where it can be, in the middle.
#[must_use]
pub fn window(len: usize, selected: Option<usize>, height: usize) -> Range<usize> {
    let start = selected.unwrap_or(0).saturating_sub(height / 2).min(len.saturating_sub(height));
    start..len.min(start + height)
}

/// Which of `len` rows to show in `height`, so that the selected one and, where there are two rows, also the one in hand
/// are in sight. In order; a row that lies far off stands at the edge.
#[must_use]
pub fn window_with(len: usize, selected: Option<usize>, in_hand: Option<usize>, height: usize) -> Vec<usize> {
    let (selected, shown) = (selected.or(in_hand), window(len, selected.or(in_hand), height));
    let beside = in_hand.filter(|row| *row < len && !shown.contains(row) && height > 1);
    let others = |height| window(len, selected, height);
    match beside {
        None => shown.collect(),
        Some(above) if above < shown.start => [above].into_iter().chain(others(height - 1)).collect(),
        Some(below) => others(height - 1).chain([below]).collect(),
    }
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

    #[test]
    fn the_row_in_hand_is_in_sight_beside_the_selected_one() {
        for len in 0..9 {
            for (selected, in_hand, height) in (0..len)
                .flat_map(|selected| (0..len).map(move |in_hand| (selected, in_hand)))
                .flat_map(|(selected, in_hand)| (2..6).map(move |height| (selected, in_hand, height)))
            {
                let rows = window_with(len, Some(selected), Some(in_hand), height);
                assert_eq!(rows.len(), len.min(height));
                assert!(rows.contains(&selected) && rows.contains(&in_hand), "{rows:?}");
                assert!(rows.is_sorted(), "{rows:?}");
            }
        }
    }
}
