//! `[window]` into the model.

use super::Build;
use crate::runbook::codes::Code;
use crate::runbook::file::ChangeWindowFile;
use crate::runbook::file::values::Moment;
use crate::runbook::load::format::parse_moment;
use crate::runbook::model::ChangeWindow;

impl Build<'_> {
    /// The change window. Its moments were judged before; what was wrong with one is reported.
    pub fn change_window(&mut self, file: &ChangeWindowFile) -> ChangeWindow {
        let node = self.root.at("window");
        let moment = |moment: &Option<Moment>| moment.as_ref().and_then(|text| parse_moment(&text.0).ok());
        let window = ChangeWindow { opens: moment(&file.opens), closes: moment(&file.closes) };
        match (window.opens, window.closes) {
            (None, None) => {
                let help = "say `opens`, `closes`, or both: `closes = \"2026-11-21T04:00:00Z\"`";
                self.error(Code::Empty, node.span.clone(), "the change window has neither end", help);
            }
            (Some(opens), Some(closes)) if closes <= opens => {
                let message = "the change window closes before it opens";
                let help = "is one of the days, or of the offsets, another than was meant?";
                self.error(Code::Impossible, node.at("closes").span.clone(), message, help);
            }
            _ => {}
        }
        window
    }
}
