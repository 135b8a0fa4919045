//! Figures of processes and of the machine, as the kernel tells them.

use std::sync::Arc;
use std::time::Duration;

use sysinfo::System;

use crate::check::process::{Found, Need};
use crate::check::{Context, process, span};
use crate::process::Identity;
use crate::runbook::CheckId;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{HostField, ProcessField};
use crate::session::telemetry::ProcessSeen;

/// A figure of all processes that the check `of` means, together.
pub(super) async fn of_processes(
    id: &CheckId,
    of: &CheckId,
    field: ProcessField,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<f64, String> {
    let select = ctx.meant.get(of).ok_or_else(|| format!("there is no process check {of}"))?;
    let need = Need { cpu: field == ProcessField::Cpu, ..Need::default() };
    let Found { seen, remark, .. } = process::found(id, select, need, scope, ctx, timeout).await?;
    if seen.is_empty() {
        let remark = remark.map_or_else(String::new, |remark| format!(": {remark}"));
        return Err(format!("there is no such process{remark}"));
    }
    match field {
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
        ProcessField::Rss => sum(&seen, |process| (process.rss > 0).then_some(process.rss as f64)),
        ProcessField::Cpu => sum(&seen, |process| process.cpu),
        ProcessField::Threads | ProcessField::OpenFiles => {
            let seen = Arc::new(seen);
            let read = tokio::task::spawn_blocking(move || kernel(&seen, field));
            match tokio::time::timeout(timeout, read).await {
                Ok(Ok(number)) => number,
                Ok(Err(e)) => Err(format!("the look at the processes failed: {e}")),
                Err(_) => Err(format!("not looked at within {}", span(timeout))),
            }
        }
    }
}

fn sum(seen: &[ProcessSeen], figure: impl Fn(&ProcessSeen) -> Option<f64>) -> Result<f64, String> {
    let figures: Option<Vec<f64>> = seen.iter().map(figure).collect();
    figures.map(|figures| figures.iter().sum()).ok_or_else(|| "not measured yet, which is no data".to_owned())
}

/// What only `/proc` tells. A process that went meanwhile, or became another one, is no figure.
fn kernel(seen: &[ProcessSeen], field: ProcessField) -> Result<f64, String> {
    let mut total = 0.0;
    for process in seen {
        let pid = process.identity.pid;
        let of_one = match field {
            ProcessField::Threads => threads(pid),
            _ => open_files(pid),
        };
        let of_one = of_one.map_err(|e| format!("process {pid}: {e}"))?;
        if Identity::of(pid).as_ref() != Some(&process.identity) {
            return Err(format!("process {pid} went while it was looked at"));
        }
        total += of_one;
    }
    Ok(total)
}

fn threads(pid: u32) -> Result<f64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| e.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    line.and_then(|number| number.trim().parse().ok()).ok_or_else(|| "its threads are not told".to_owned())
}

fn open_files(pid: u32) -> Result<f64, String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(|e| format!("its open files: {e}"))?;
    #[expect(clippy::cast_precision_loss, reason = "open files of one process")]
    let count = entries.count() as f64;
    Ok(count)
}

/// A figure of the machine.
pub(super) async fn of_host(field: HostField, scope: &Scope, timeout: Duration) -> Result<f64, String> {
    let dir = scope.runbook_dir.clone();
    let read = tokio::task::spawn_blocking(move || match field {
        HostField::Load => {
            System::load_average().map(|load| load.one).map_err(|e| format!("the load cannot be read: {e}"))
        }
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
        HostField::MemoryAvailable => {
            let mut system = System::new().map_err(|e| format!("the memory cannot be read: {e}"))?;
            system.refresh_memory();
            let available = system.available_memory() as f64;
            if available > 0.0 { Ok(available) } else { Err("the system does not tell it".to_owned()) }
        }
        #[expect(clippy::cast_precision_loss, reason = "bytes of a disk")]
        HostField::DiskFree => {
            let path = if dir.as_os_str().is_empty() { ".".into() } else { dir };
            let space = rustix::fs::statvfs(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            Ok(space.f_bavail as f64 * space.f_frsize as f64)
        }
    });
    match tokio::time::timeout(timeout, read).await {
        Ok(Ok(number)) => number,
        Ok(Err(e)) => Err(format!("the look at the machine failed: {e}")),
        Err(_) => Err(format!("not looked at within {}", span(timeout))),
    }
}
