//! `when`: whether something applies on this host with these inputs.

use super::Build;
use crate::runbook::codes::Code;
use crate::runbook::file::stage::WhenFile;
use crate::runbook::load::near::suggest;
use crate::runbook::load::tree::Node;

impl Build<'_> {
    /// Judges the `when` of the table `node`. A var that is still open rules nothing out.
    pub fn applies(&mut self, when: Option<WhenFile>, node: &Node) -> bool {
        let Some(when) = when else { return true };
        let table = node.at("when");
        let mut applies = true;
        for (name, wanted) in when {
            let value = match name.as_str() {
                "host.os" => Some(self.host.os.clone()),
                "host.arch" => Some(self.host.arch.clone()),
                _ => match self.vars.get(&name) {
                    Some(value) => value.clone(),
                    None => {
                        self.unknown_condition(&name, table);
                        continue;
                    }
                },
            };
            let wanted = wanted.into_vec();
            if wanted.is_empty() {
                let message = format!("`{name}` can be none of no values, so this would never apply");
                self.error(Code::Empty, table.at(&name).span.clone(), message, "name at least one value");
            }
            if let Some(value) = value {
                applies &= wanted.iter().any(|wanted| wanted.0 == value);
            }
        }
        applies
    }

    fn unknown_condition(&mut self, name: &str, table: &Node) {
        let vars: Vec<&str> = self.vars.keys().map(String::as_str).chain(["host.os", "host.arch"]).collect();
        let help = suggest(name, "such name", vars.iter().copied());
        let message = format!("`when` knows vars, `host.os` and `host.arch`, but no `{name}`");
        self.error(Code::BadWhen, table.key_span(name), message, help);
    }
}
