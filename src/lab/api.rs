//! The mutating endpoints: what they ask of a request, and what they know of those that came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::faults::Rule;
use super::idempotency::{Memory, Seen};
use super::service::{Service, json_answer};

/// Of how many requests it is remembered how long they took.
const REMEMBERED: usize = 512;

/// What the mutating endpoints keep.
pub struct Api {
    tokens: Vec<String>,
    memory: Mutex<Memory>,
    bucket: Option<Mutex<Bucket>>,
    accepted: AtomicU64,
    queue: AtomicU64,
    latencies: Mutex<VecDeque<Duration>>,
}

/// Takes one from the queue when its request is over.
pub struct Queued<'a>(&'a AtomicU64);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Api {
    /// `tokens` is separated by commas; none asks for none.
    pub fn new(tokens: &str, burst: Option<u32>, per_minute: u32) -> Self {
        Self {
            tokens: tokens.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
            memory: Mutex::default(),
            bucket: burst.map(|burst| Mutex::new(Bucket::new(burst, per_minute, Instant::now()))),
            accepted: AtomicU64::new(0),
            queue: AtomicU64::new(0),
            latencies: Mutex::default(),
        }
    }

    /// The tokens that it takes.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// How many requests it has taken.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// How many requests it is at.
    pub fn queue(&self) -> u64 {
        self.queue.load(Ordering::Relaxed)
    }

    /// Puts a request into the queue until the guard goes.
    pub fn queued(&self) -> Queued<'_> {
        self.queue.fetch_add(1, Ordering::Relaxed);
        Queued(&self.queue)
    }

    /// Remembers how long a request took.
    pub fn took(&self, time: Duration) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if latencies.len() == REMEMBERED {
            latencies.pop_front();
        }
        latencies.push_back(time);
    }

    /// The nearest rank of the last requests' times, in milliseconds; `None` before the first.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<Duration> = latencies.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).map(|time| time.as_secs_f64() * 1e3)
    }

    fn may_pass(&self) -> bool {
        self.bucket
            .as_ref()
            .is_none_or(|bucket| bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now()))
    }
}

/// A bucket of tokens: so many at once, and so many more a minute.
struct Bucket {
    most: f64,
    per_second: f64,
    left: f64,
    seen: Instant,
}

impl Bucket {
    fn new(burst: u32, per_minute: u32, now: Instant) -> Self {
        let most = f64::from(burst);
        Self { most, per_second: f64::from(per_minute) / 60.0, left: most, seen: now }
    }

    fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.seen).as_secs_f64() * self.per_second;
        self.left = (self.left + gained).min(self.most);
        self.seen = now;
        let passes = self.left >= 1.0;
        if passes {
            self.left -= 1.0;
        }
        passes
    }
}

/// Takes a request, or says why not.
pub async fn mutate(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let api = &service.api;
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    let refuse = |status, why: &str| json_answer(status, &json!({ "error": why }));
    let lax = service.faults().lax.clone();
    let asks = |rule| !lax.contains(&rule);
    let origin_fits = header("origin").is_none_or(|origin| service.args.origins.iter().any(|o| o == origin));
    if !service.args.origins.is_empty() && !origin_fits && asks(Rule::Origin) {
        return refuse(StatusCode::FORBIDDEN, "this origin is not allowed");
    }
    if !api.tokens.is_empty() && asks(Rule::Auth) {
        let bearer = header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        let given = bearer.or_else(|| header("x-api-key"));
        if !given.is_some_and(|given| api.tokens.iter().any(|token| token == given)) {
            return refuse(StatusCode::UNAUTHORIZED, "a valid token is required");
        }
    }
    if asks(Rule::Rate) && !api.may_pass() {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    }
    let request_id = header("x-request-id");
    if request_id.is_none() && asks(Rule::RequestId) {
        return refuse(StatusCode::BAD_REQUEST, "X-Request-ID is required");
    }
    let key = header("idempotency-key");
    if key.is_none() && asks(Rule::Key) {
        return refuse(StatusCode::BAD_REQUEST, "Idempotency-Key is required");
    }
    let answer =
        json!({ "status": "accepted", "id": uuid::Uuid::now_v7().to_string(), "request_id": request_id });
    let answer = answer.to_string();
    let seen = key.map_or(Seen::New, |key| {
        api.memory.lock().unwrap_or_else(PoisonError::into_inner).see(key, &body, &answer)
    });
    let body = match seen {
        Seen::Same(stored) if asks(Rule::Replay) => stored,
        Seen::Other if asks(Rule::Conflict) => {
            return refuse(StatusCode::CONFLICT, "the key was used with another payload");
        }
        Seen::New | Seen::Same(_) | Seen::Other => answer,
    };
    api.accepted.fetch_add(1, Ordering::Relaxed);
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_what_the_minute_gives_back() {
        let now = Instant::now();
        let mut bucket = Bucket::new(2, 60, now);
        assert_eq!([bucket.take(now), bucket.take(now), bucket.take(now)], [true, true, false]);
        let later = now + Duration::from_secs(1);
        assert_eq!([bucket.take(later), bucket.take(later)], [true, false]);
        let much_later = now + Duration::from_secs(3600);
        assert_eq!([(); 3].map(|()| bucket.take(much_later)), [true, true, false]);
    }

    #[test]
    fn there_is_no_percentile_before_the_first_request() {
        let api = Api::new("", None, 60);
        assert_eq!(api.percentile(0.5), None);
        for ms in [40, 10, 30, 20] {
            api.took(Duration::from_millis(ms));
        }
        assert_eq!([0.5, 0.95, 0.0].map(|share| api.percentile(share)), [Some(20.0), Some(40.0), Some(10.0)]);
    }
}
