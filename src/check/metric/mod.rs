//! `metric`: one number, read once. What is made of several is the [`super::meter`]'s.

mod figures;
mod prometheus;
mod read;

use std::time::Duration;

use super::http::{self, Fetched};
use super::{Context, Observed, command, file, resolve};
use crate::proof::Ended;
use crate::runbook::CheckId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{Command, HttpTarget, MetricSource, Reader, Template};
use crate::text::{decode, plain};

/// How much of a text is gone through for a number: what a server tells of itself may be long.
const TEXT: usize = 4 << 20;

pub(super) async fn observe(
    id: &CheckId,
    source: &MetricSource,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Observed {
    let number = match source {
        MetricSource::Http { target, reader } => over_http(target, reader, scope, ctx, timeout).await,
        MetricSource::Command { command, reader } => of_command(command, reader, scope, ctx, timeout).await,
        MetricSource::File { path, reader } => in_file(id, path, reader, scope, ctx, timeout).await,
        MetricSource::Prometheus { url, query } => prometheus::query(url, query, scope, ctx, timeout).await,
        MetricSource::Process { check, field } => {
            figures::of_processes(id, check, *field, scope, ctx, timeout).await.map(Read::Number)
        }
        MetricSource::Host(field) => figures::of_host(*field, scope, timeout).await.map(Read::Number),
        MetricSource::Latency(_) => Err("it has no looks of its own".to_owned()),
    };
    match number {
        Ok(Read::Number(number)) if number.is_finite() => Observed::number(number),
        Ok(Read::Number(number)) => Observed::error(format!("{number} is no number")),
        Ok(Read::NothingYet(why)) => Observed::nothing_yet(why),
        Err(why) => Observed::error(why),
    }
}

/// What one look gave.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Number(f64),
    /// There is nothing to be wrong with and nothing to tell by: nothing to divide by.
    NothingYet(String),
}

async fn over_http(
    target: &HttpTarget,
    reader: &Reader,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Read, String> {
    let Fetched { status, body } = http::text(target, scope, ctx, timeout, TEXT).await?;
    if !(200..300).contains(&status) {
        return Err(format!("status {status}"));
    }
    read::number(reader, &body, scope)
}

async fn of_command(
    line: &Command,
    reader: &Reader,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Read, String> {
    let ran = command::look(line, scope, ctx, timeout).await?;
    if ran.ended != Ended::Code(0) {
        return Err(format!("exit {}", ran.ended.code()));
    }
    if ran.cut {
        return Err("it writes more than a look can take in".to_owned());
    }
    read::number(reader, &scope.masked(plain(&decode(&ran.stdout))), scope)
}

async fn in_file(
    id: &CheckId,
    path: &Template,
    reader: &Reader,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Read, String> {
    let name = resolve(scope, path)?;
    let whole = scope.runbook_dir.join(&name);
    let look = ctx.aside.look(id, timeout, move || file::whole(&whole, TEXT)).await;
    let bytes = look.and_then(|bytes| bytes).map_err(|why| format!("{name}: {why}"))?;
    read::number(reader, &scope.masked(plain(&decode(&bytes))), scope)
}
