//! An HTTP request, of a check or of a step, with what it shares by `via`.

use indexmap::IndexMap;

use super::{Build, headers};
use crate::runbook::codes::Code;
use crate::runbook::file::http::{HttpFile, HttpSharedFile, HttpTable};
use crate::runbook::load::near::suggest;
use crate::runbook::load::tree::Node;
use crate::runbook::model::{HttpTarget, Template};

impl Build<'_> {
    /// The request that the table or URL at `node` says.
    pub fn http_target(&mut self, file: HttpFile, node: &Node) -> HttpTarget {
        let file = match file {
            HttpFile::Url(url) => HttpTable { url: Some(url), ..HttpTable::default() },
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
        if file.via.is_none() && file.path.is_some() {
            let message = "`path` follows the URL of an `[http.NAME]`, and none is named";
            self.error(Code::WrongKind, node.key_span("path"), message, "put it into `url`, or add `via`");
        }
        let shared = match &file.via {
            Some(name) => self.shared(&name.0, node.at("via")),
            None => HttpSharedFile { url: file.url.unwrap_or_default(), ..HttpSharedFile::default() },
        };
        let url = match &file.path {
            Some(path) => shared.url.0.trim_end_matches('/').to_owned() + &path.0,
            None => shared.url.0,
        };
        HttpTarget {
            url: Template(url),
            method,
            headers: over(headers(shared.headers), headers(file.headers)),
            body: file.body.map(|body| Template(body.0)),
            json: file.json.map(|json| json.0),
            follow_redirects: file.follow_redirects.or(shared.follow_redirects).unwrap_or(0),
            insecure: file.insecure.or(shared.insecure).unwrap_or(false),
            ca: file.ca.or(shared.ca).map(|ca| ca.0.into()),
            proxy: file.proxy.or(shared.proxy).map(|proxy| Template(proxy.0)),
        }
    }

    /// The `[http.NAME]` of that name; where there is none, which is reported, one that says nothing.
    fn shared(&mut self, name: &str, node: &Node) -> HttpSharedFile {
        if let Some(shared) = self.http.get(name) {
            return shared.clone();
        }
        let help = suggest(name, "`[http.NAME]` at all", self.http.keys().map(String::as_str));
        self.error(Code::UnknownHttp, node.span.clone(), format!("there is no `[http.{name}]`"), help);
        HttpSharedFile::default()
    }

    /// What a path is put behind must end where a path can begin.
    pub fn shared_urls(&mut self) {
        let root = self.root;
        for entry in root.get("http").map_or(&[][..], Node::entries) {
            let url = entry.node.at("url");
            if url.as_str().is_some_and(|text| text.contains(['?', '#'])) {
                let message = "the paths of those who share this URL are put behind it, so it has no query";
                let help = "write the query into each `path`";
                self.error(Code::BadUrl, url.span.clone(), message, help);
            }
        }
    }
}

/// The headers of both; a name of `own`, in whatever case, takes the place of the shared one.
fn over(shared: IndexMap<String, Template>, own: IndexMap<String, Template>) -> IndexMap<String, Template> {
    let is_own = |name: &str| own.keys().any(|other| other.eq_ignore_ascii_case(name));
    shared.into_iter().filter(|(name, _)| !is_own(name)).chain(own.clone()).collect()
}
