//! `[[notify]]` into the model.

use super::Build;
use super::check::command_line;
use crate::runbook::codes::Code;
use crate::runbook::file::notify::NotifyFile;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{Notify, NotifyWay, Template};

impl Build<'_> {
    /// Everybody who is told of something. One without a way, which was reported, is left out.
    pub fn notify(&mut self, files: Vec<NotifyFile>, node: &Node) -> Vec<Notify> {
        let mut all = Vec::new();
        for (index, file) in files.into_iter().enumerate() {
            let on = node.item(index).at("on");
            for (at, topic) in file.on.iter().enumerate() {
                if file.on[..at].contains(topic) {
                    let message = format!("`{topic}` stands here twice, and is told once");
                    self.error(Code::NameTaken, on.item(at).span.clone(), message, "name it once");
                }
            }
            let way = match (file.webhook, file.run) {
                (Some(url), _) => NotifyWay::Webhook(Template(url.0)),
                (None, Some(command)) => NotifyWay::Run(command_line(command)),
                (None, None) => continue,
            };
            all.push(Notify { on: file.on, way });
        }
        all
    }
}
