//! How large the recorded terminal is.

use std::fmt;
use std::str::FromStr;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u16,
    pub height: u16,
}

impl Default for Size {
    /// What shows every panel.
    fn default() -> Self {
        Self { width: 120, height: 36 }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size: it is COLUMNSxROWS, from 20x5 to 500x200, as in 120x36");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let (width, height) = width.parse().ok().zip(height.parse().ok()).ok_or_else(wrong)?;
        let fits = (20..=500).contains(&width) && (5..=200).contains(&height);
        if fits { Ok(Self { width, height }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_columns_and_rows_that_somebody_can_look_at() {
        assert_eq!("80x24".parse(), Ok(Size { width: 80, height: 24 }));
        assert_eq!(Size::default().to_string().parse(), Ok(Size::default()));
        for wrong in ["", "80", "x", "80x", "19x24", "80x4", "501x50", "80x24x1", "-80x24", "99999x24"] {
            let why = wrong.parse::<Size>().expect_err(wrong);
            assert!(why.contains("COLUMNSxROWS"), "{why}");
        }
    }
}
