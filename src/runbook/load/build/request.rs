//! An HTTP request, of a check or of a step.

use super::Build;
use crate::runbook::codes::Code;
use crate::runbook::file::check::{HttpFile, HttpTable};
use crate::runbook::load::tree::Node;
use crate::runbook::model::{HttpTarget, Template};

impl Build<'_> {
    /// The request that the table or URL at `node` says.
    pub fn http_target(&mut self, file: HttpFile, node: &Node) -> HttpTarget {
        let file = match file {
            HttpFile::Url(url) => HttpTable { url, ..HttpTable::default() },
            HttpFile::Request(table) => *table,
        };
        if file.body.is_some() && file.json.is_some() {
            let message = "a request has one body: `body` and `json` cannot stand together";
            self.error(Code::SeveralKinds, node.key_span("json"), message, "keep one of them");
        }
        let has_body = file.body.is_some() || file.json.is_some();
        let method = file.method.map_or_else(|| if has_body { "POST" } else { "GET" }.to_owned(), |m| m.0);
        if has_body && matches!(method.as_str(), "GET" | "HEAD") {
            let message = format!("a {method} request carries no body");
            self.error(Code::Impossible, node.at("method").span.clone(), message, "use `POST` or `PUT`");
        }
        HttpTarget {
            url: Template(file.url.0),
            method,
            headers: super::headers(file.headers),
            body: file.body.map(|body| Template(body.0)),
            json: file.json.map(|json| json.0),
            follow_redirects: file.follow_redirects.unwrap_or(0),
            insecure: file.insecure,
            ca: file.ca.map(|ca| ca.0.into()),
            proxy: file.proxy.map(|proxy| proxy.0),
        }
    }
}
