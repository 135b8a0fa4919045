//! `http`: one request on one fresh connection within one deadline. The `request` step is the same thing.

mod client;
mod post;

pub use client::Clients;
pub use post::{Untold, post};

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use self::client::Phase;
use super::{Context, Observed, resolve, span};
use crate::proof::{self, Answer, Body, Proof};
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{HttpExpect, HttpTarget};
use crate::text::{decode, plain};

/// How much of a body is read to be matched.
const BODY: usize = 64 << 10;

pub(super) async fn observe(
    target: &HttpTarget,
    expect: &HttpExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    match fetch(target, scope, ctx, timeout, BODY).await {
        Err(why) => Observed::error(why),
        Ok(answer) => Observed::proven(proof::answer(expect, &answer, scope), answer.status.to_string()),
    }
}

/// Sends a `request` step's one request and judges the answer. It is never repeated here.
///
/// # Errors
/// A sentence: there was no answer, so that what the other side did is not known.
pub async fn request(
    target: &HttpTarget,
    expect: &HttpExpect,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<(Vec<Proof>, Answer), String> {
    let answer = fetch(target, scope, ctx, timeout, BODY).await?;
    Ok((proof::answer(expect, &answer, scope), answer))
}

/// An answer of which only the text matters.
pub(super) struct Fetched {
    pub status: u16,
    pub body: String,
}

/// The whole text of an answer, where it is not longer than `limit` bytes.
pub(super) async fn text(
    target: &HttpTarget,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
    limit: usize,
) -> Result<Fetched, String> {
    let Answer { status, body, .. } = fetch(target, scope, ctx, timeout, limit).await?;
    match body {
        Body::Whole(body) => Ok(Fetched { status, body }),
        Body::TooLarge(limit) => Err(format!("body too large: more than {}", proof::bytes(limit))),
    }
}

/// One request, and as many more as redirects may be followed.
async fn fetch(
    target: &HttpTarget,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
    limit: usize,
) -> Result<Answer, String> {
    let request = Request::new(target, scope)?;
    exchange(request, target, scope, ctx, timeout, limit, &Phase::default()).await
}

/// Sends what was made of `target`, and tells `phase` how far it comes.
async fn exchange(
    mut request: Request,
    target: &HttpTarget,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
    limit: usize,
    phase: &Phase,
) -> Result<Answer, String> {
    let begun = Instant::now();
    let deadline = begun + timeout;
    let client = ctx.http.client(target, scope, &ctx.names)?;
    let late = |phase: &Phase| format!("no answer within {}: {}", span(timeout), phase.doing());
    for redirects_left in (0..=target.follow_redirects).rev() {
        let sent = phase.track(request.send(&client));
        let response = match timeout_at(deadline, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(e)) => return Err(format!("{}: {}", phase.doing(), root(e))),
            Err(_) => return Err(late(phase)),
        };
        if redirects_left > 0 && request.redirect(&response) {
            continue;
        }
        phase.set(client::BODY);
        return match timeout_at(deadline, read(response, limit)).await {
            Ok(Ok((status, headers, body))) => {
                let headers = headers.into_iter().map(|(name, value)| (name, scope.masked(value))).collect();
                let (body, leaked) = match body {
                    Body::Whole(body) => {
                        let leaked = scope.leaks(&body);
                        (Body::Whole(scope.masked(body)), leaked)
                    }
                    cut => (cut, false),
                };
                Ok(Answer { status, headers, latency: begun.elapsed(), body, leaked })
            }
            Ok(Err(e)) => Err(format!("{}: {}", phase.doing(), root(e))),
            Err(_) => Err(late(phase)),
        };
    }
    Err("no request was sent".to_owned())
}

async fn read(mut response: Response, limit: usize) -> reqwest::Result<(u16, Vec<(String, String)>, Body)> {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), plain(&decode(value.as_bytes())).into_owned()))
        .collect();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Ok((status, headers, Body::TooLarge(limit as u64)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, headers, Body::Whole(plain(&decode(&bytes)).into_owned())))
}

/// What is asked for, with everything inserted.
struct Request {
    url: Url,
    method: Method,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Request {
    fn new(target: &HttpTarget, scope: &Scope) -> Result<Self, String> {
        let url = resolve(scope, &target.url)?;
        // The text of the URL is not repeated: it may hold a secret.
        let url = Url::parse(&url).map_err(|e| format!("the url {} is none: {e}", target.url.as_str()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("the url {} is neither http nor https", target.url.as_str()));
        }
        let method = Method::from_bytes(target.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| format!("{} is no method", target.method))?;
        let mut headers = Vec::new();
        for (name, value) in &target.headers {
            headers.push((name.clone(), resolve(scope, value)?));
        }
        let body = match (&target.json, &target.body) {
            (Some(json), _) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str())) {
                    headers.push((CONTENT_TYPE.to_string(), "application/json".to_owned()));
                }
                Some(inserted(json, scope)?.to_string())
            }
            (None, Some(body)) => Some(resolve(scope, body)?),
            (None, None) => None,
        };
        Ok(Self { url, method, headers, body })
    }

    fn send(&self, client: &reqwest::Client) -> impl Future<Output = reqwest::Result<Response>> + use<> {
        let mut request = client.request(self.method.clone(), self.url.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send()
    }

    /// Turns to where the answer points, if that is the same host by the same scheme or by https instead of http.
    /// Any other redirect is left as the answer that it is.
    fn redirect(&mut self, response: &Response) -> bool {
        let status = response.status();
        let known = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let Some(to) = response.headers().get(LOCATION).filter(|_| known) else { return false };
        let Some(to) = to.to_str().ok().and_then(|to| self.url.join(to).ok()) else { return false };
        let upgraded = self.url.scheme() == "http" && to.scheme() == "https";
        let same_port = to.port_or_known_default() == self.url.port_or_known_default();
        if to.host() != self.url.host() || !(upgraded || (to.scheme() == self.url.scheme() && same_port)) {
            return false;
        }
        if status == StatusCode::SEE_OTHER || (status.as_u16() < 303 && self.method == Method::POST) {
            self.method = Method::GET;
            self.body = None;
        }
        self.url = to;
        true
    }
}

/// The value with every string in it resolved.
fn inserted(value: &Value, scope: &Scope) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(resolve(scope, &text.as_str().into())?),
        Value::Array(list) => list.iter().map(|v| inserted(v, scope)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let entries = map.iter().map(|(key, v)| Ok((key.clone(), inserted(v, scope)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// What lies at the bottom of an error; the rest only says that a request failed. Without the URL, which may hold a
/// secret.
fn root(e: reqwest::Error) -> String {
    let e = e.without_url();
    let mut root: &dyn std::error::Error = &e;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
