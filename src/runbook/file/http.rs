//! An HTTP request, and `[http.NAME]`: what several of them share.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{BodyText, Dir, HttpRef, JsonBody, Method, Url, UrlPath};

/// An HTTP request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum HttpFile {
    Url(Url),
    Request(Box<HttpTable>),
}

/// An HTTP request in full.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kinds" = ["url", "via"]))]
pub struct HttpTable {
    /// The URL.
    pub url: Option<Url>,
    /// Instead of a URL: the `[http.NAME]` that this request goes by.
    pub via: Option<HttpRef>,
    /// With `via`: what follows the shared URL, as in `/livez`. Default: nothing.
    pub path: Option<UrlPath>,
    /// The method. Default: GET, or POST where there is a body.
    pub method: Option<Method>,
    /// Header → value; with `via`, over the shared ones.
    #[serde(default)]
    #[schemars(extend("x-keys" = "header"))]
    pub headers: IndexMap<String, BodyText>,
    /// The body as text.
    pub body: Option<BodyText>,
    /// The body as JSON.
    pub json: Option<JsonBody>,
    /// How many redirects are followed. Default: 0.
    #[schemars(range(max = 20))]
    pub follow_redirects: Option<u32>,
    /// Whether any certificate is taken. Default: false.
    pub insecure: Option<bool>,
    /// A file of certificates that are trusted.
    pub ca: Option<Dir>,
    /// The proxy's URL.
    pub proxy: Option<Url>,
}

/// What several HTTP checks and requests share.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSharedFile {
    /// The URL that their paths are put behind; it has no query.
    pub url: Url,
    /// Header → value.
    #[serde(default)]
    #[schemars(extend("x-keys" = "header"))]
    pub headers: IndexMap<String, BodyText>,
    /// How many redirects are followed. Default: 0.
    #[schemars(range(max = 20))]
    pub follow_redirects: Option<u32>,
    /// Whether any certificate is taken. Default: false.
    pub insecure: Option<bool>,
    /// A file of certificates that are trusted.
    pub ca: Option<Dir>,
    /// The proxy's URL.
    pub proxy: Option<Url>,
}
