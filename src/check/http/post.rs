//! One POST of a text that is sent as it is, for those who are told something.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::client::Phase;
use super::{BODY, Request, exchange};
use crate::check::Context;
use crate::proof::Body;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{HttpTarget, Template};
use crate::text::shortened;

/// Why nobody was told, or perhaps nobody.
#[derive(Debug)]
pub struct Untold {
    pub why: String,
    /// It surely reached nobody, and another try may.
    pub may_retry: bool,
}

/// So much of what an answer says goes into a reason, in bytes.
const EXCERPT: usize = 200;

/// Posts `json` to `url` and takes a 2xx for an answer. It is never repeated here.
///
/// # Errors
/// What became of it. Where the URL holds a secret, neither its host nor its path is named.
pub async fn post(
    url: &Template,
    json: &str,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<(), Untold> {
    let target = HttpTarget {
        url: url.clone(),
        method: Method::POST.to_string(),
        headers: [(CONTENT_TYPE.to_string(), "application/json".into())].into(),
        body: None,
        json: None,
        follow_redirects: 0,
        insecure: false,
        ca: None,
        proxy: None,
    };
    let mut request = Request::new(&target, scope).map_err(|why| Untold { why, may_retry: false })?;
    // Put in here, since what stands in a target's body is read as a template.
    request.body = Some(json.to_owned());
    let host = request.url.host_str().unwrap_or_default().to_owned();
    let phase = Phase::default();
    let answer = exchange(request, &target, scope, ctx, timeout, BODY, &phase).await;
    let untold = match answer {
        Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
        Ok(answer) => {
            let said = match &answer.body {
                Body::Whole(body) if !body.trim().is_empty() => {
                    format!(": {}", shortened(body.trim(), EXCERPT))
                }
                _ => String::new(),
            };
            // Too many requests, and those who stand before a service that is not there.
            let may_retry = matches!(answer.status, 429 | 502 | 503);
            Untold { why: format!("status {}{said}", answer.status), may_retry }
        }
        Err(why) => Untold { why, may_retry: !phase.is_connected() },
    };
    let hides = url.as_str().contains("secret.") && !host.is_empty();
    Err(if hides { Untold { why: untold.why.replace(&host, "its host"), ..untold } } else { untold })
}
