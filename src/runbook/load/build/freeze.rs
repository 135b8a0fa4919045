//! `[freeze]` into the model: one check of the files that must not change.

use std::time::Duration;

use super::Build;
use super::way_back::made;
use crate::runbook::codes::Code;
use crate::runbook::file::FreezeFile;
use crate::runbook::model::{Check, FROZEN, Probe, Runbook};

impl Build<'_> {
    /// Makes one check of what is frozen. It is asked often, and costs little while nothing has been touched.
    pub fn freeze(&mut self, runbook: &mut Runbook, file: Option<FreezeFile>) {
        let Some(file) = file else { return };
        let paths: Vec<String> = file.paths.into_iter().map(|path| path.0).collect();
        let node = self.root.at("freeze").at("paths");
        for (index, path) in paths.iter().enumerate().filter(|(_, path)| path.trim().is_empty()) {
            let message = format!("`{path}` names no file");
            self.error(Code::EmptyText, node.item(index).span.clone(), message, "say which file is meant");
        }
        let check = Check {
            period: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            ..made(FROZEN, "Files that must not change", Probe::Frozen(paths))
        };
        runbook.checks.insert(check.id.clone(), check);
    }
}
