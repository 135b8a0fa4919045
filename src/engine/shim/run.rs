//! The shim's one loop: it spawns the command, moves its output, reaps, ends it when asked, records its end,
//! and stays until nobody holds the pipes any more. One thread, woken by pipes, signals and deadlines only.

use std::io::{ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, WaitStatus};

use super::channel::Channel;
use super::index::Source;
use super::log::Outlet;
use super::record::{Command, End, Ended, Exit, Mode, Output, Spec};
use super::signals::Signals;
use super::stop::{Stop, Wish};
use super::{exec, files, say};
use crate::clock::{self, Now};
use crate::process::{self, Identity};
use crate::redact::Redactor;

/// Milliseconds that the rest of the output gets after the command itself has ended.
const DRAIN_MS: u64 = 200;

/// Milliseconds between two tries to write the record.
const RETRY_MS: u64 = 500;

/// How often the end of a process that was up is tried to be written.
const MOST_RETRIES: u32 = 120;

/// Bytes that are read at once, and that the kernel is asked to hold for each pipe.
const BUFFER: usize = 256 * 1024;

/// Runs a claimed order to its recorded end.
pub fn run(step_dir: &Path, spec: &Spec, redactor: &Redactor, signals: Signals) {
    let mut shim = Shim::new(step_dir, spec, signals);
    match shim.spawn() {
        Err(why) => shim.give_up(End::ExecFailed { why }),
        Ok(child) => {
            shim.adopt(child, redactor);
            shim.watch();
            shim.see_out();
        }
    }
}

fn enlarge(pipe: &std::os::fd::OwnedFd) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, BUFFER);
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}

struct Shim<'a> {
    step_dir: &'a Path,
    spec: &'a Spec,
    signals: Signals,
    /// The two pipes of a `run`, none for a `start`.
    channels: Vec<Channel>,
    outlet: Option<Outlet<'a>>,
    /// What `output.log` holds, once it is closed.
    output: Option<Output>,
    /// The command, until it is reaped.
    command: Option<u32>,
    status: Option<WaitStatus>,
    ended: Option<Now>,
    /// When a `start` counts as up.
    up_from: Option<u64>,
    /// Whether no descendant is left: as reaper we would be its ancestor.
    childless: bool,
    stop: Option<Stop>,
    /// Whether a stop was asked for while the command ran.
    stopped: bool,
    recorded: bool,
    /// After the record could not be written: when to try again.
    retry_from: u64,
}

impl<'a> Shim<'a> {
    fn new(step_dir: &'a Path, spec: &'a Spec, signals: Signals) -> Self {
        Self {
            step_dir,
            spec,
            signals,
            channels: Vec::new(),
            outlet: None,
            output: None,
            command: None,
            status: None,
            ended: None,
            up_from: None,
            childless: false,
            stop: None,
            stopped: false,
            recorded: false,
            retry_from: 0,
        }
    }

    /// Spawns the command, its output going where the spec's mode says.
    fn spawn(&mut self) -> Result<Child, String> {
        match &self.spec.mode {
            Mode::Run { output_limit } => {
                let outlet = Outlet::create(self.step_dir, *output_limit).map_err(|e| {
                    format!("the output's files in {} cannot be created: {e}", self.step_dir.display())
                })?;
                self.outlet = Some(outlet);
                exec::spawn(self.spec, Stdio::piped(), Stdio::piped())
            }
            Mode::Start { log, min_uptime_ms, .. } => {
                self.up_from = Some(clock::up_ms().saturating_add(*min_uptime_ms));
                let (out, err) = exec::own_log(&self.spec.cwd.join(log))?;
                exec::spawn(self.spec, out, err)
            }
        }
    }

    /// Takes over the spawned command: its pipes, and its identity for the record.
    fn adopt(&mut self, mut child: Child, redactor: &Redactor) {
        let now = clock::now();
        self.command = Some(child.id());
        if let Some(command) = Identity::of_child(child.id()) {
            let record = files::json(&Command { command, at: now.at, up_ms: now.up_ms });
            // The engine shows it; no result depends on it, so it is not synced and may be missing.
            let _ = files::create_new(&self.step_dir.join("command.json"))
                .and_then(|mut file| file.write_all(&record));
        }
        say("started");
        let pipes = [
            (child.stdout.take().map(OwnedFd::from), Source::Out),
            (child.stderr.take().map(OwnedFd::from), Source::Err),
        ];
        for (pipe, source) in pipes {
            if let Some(pipe) = pipe {
                enlarge(&pipe);
                self.channels.push(Channel::new(pipe, source, redactor));
            }
        }
    }

    fn watch(&mut self) {
        let mut buffer = vec![0; BUFFER];
        loop {
            let now = clock::up_ms();
            self.advance_stop(now);
            self.flush_due(now);
            if self.is_result_due(now)
                && let Some(end) = self.end()
            {
                let up = end == End::Up;
                self.record(end, now);
                if up && self.recorded {
                    return;
                }
            }
            if self.recorded
                && self.stop.is_none()
                && self.channels.iter().all(|channel| channel.pipe.is_none())
            {
                if let Some(outlet) = &mut self.outlet {
                    outlet.close(now);
                }
                return;
            }
            let (woken, readable) = self.sleep(now);
            if woken {
                self.listen();
            }
            for at in readable {
                self.pump(at, &mut buffer);
            }
        }
    }

    /// Stays with a process that is up until it ends, where that is asked for: only its parent is told how it did.
    fn see_out(&mut self) {
        let Some(command) = self.command.and_then(to_pid) else { return };
        if !matches!(self.spec.mode, Mode::Start { seen_out: true, .. }) {
            return;
        }
        // Nobody listens any more; a request to stop was for the step, which is over.
        if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdout(&null);
        }
        loop {
            match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid == command => {
                    self.status = Some(status);
                    break;
                }
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
        let (Some(end), Now { at, up_ms }) = (self.end(), clock::now()) else { return };
        let ended = files::json(&Ended { end, at, up_ms });
        for _ in 0..MOST_RETRIES {
            match files::replace(self.step_dir, "ended.json", &ended) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    std::thread::sleep(std::time::Duration::from_millis(RETRY_MS));
                }
                _ => return,
            }
        }
    }

    /// Waits for a pipe, a signal or the next deadline. Returns whether a signal came, and which channels
    /// can be read.
    fn sleep(&self, now: u64) -> (bool, Vec<usize>) {
        let timeout = self.next_deadline().map(|due| {
            // One more: `due` may be a part of a millisecond away.
            let ms = due.saturating_sub(now) + u64::from(due > now);
            Timespec { tv_sec: (ms / 1000) as _, tv_nsec: (ms % 1000 * 1_000_000) as _ }
        });
        let mut fds = vec![PollFd::new(&self.signals.wake, PollFlags::IN)];
        let mut which = Vec::new();
        for (at, channel) in self.channels.iter().enumerate() {
            if let Some(pipe) = &channel.pipe {
                fds.push(PollFd::new(pipe, PollFlags::IN));
                which.push(at);
            }
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {
                let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
                (
                    ready(&fds[0]),
                    fds[1..].iter().zip(which).filter(|(fd, _)| ready(fd)).map(|(_, at)| at).collect(),
                )
            }
            // Interrupted: the bell may have rung.
            Err(_) => (true, Vec::new()),
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        let result = match (self.recorded, self.ended, self.up_from) {
            (true, ..) => None,
            (false, Some(ended), _) if self.stop.is_none() => {
                Some((ended.up_ms + DRAIN_MS).max(self.retry_from))
            }
            (false, None, Some(up_from)) if self.stop.is_none() => Some(up_from.max(self.retry_from)),
            _ => None,
        };
        let index = self.outlet.as_ref().and_then(Outlet::due);
        let partial = self.channels.iter().filter_map(Channel::due).min();
        [result, index, partial, self.stop.as_ref().map(|stop| stop.due)].into_iter().flatten().min()
    }

    /// Reaps whoever ended, and hears a request to stop.
    fn listen(&mut self) {
        let asked = self.signals.heard_stop();
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if self.command.and_then(to_pid) == Some(pid) => {
                    self.command = None;
                    self.status = Some(status);
                    self.ended = Some(clock::now());
                }
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => {
                    self.childless = false;
                    break;
                }
                Err(_) => {
                    self.childless = true;
                    break;
                }
            }
        }
        if asked {
            let (wish, now) = (Wish::read(self.step_dir), clock::up_ms());
            self.stopped |= self.status.is_none();
            match &mut self.stop {
                Some(stop) => stop.hasten(wish, now),
                None => self.stop = Some(Stop::begin(wish, self.spec.user.as_deref(), now)),
            }
        }
    }

    fn advance_stop(&mut self, now: u64) {
        if self.childless {
            self.stop = None;
        } else if let Some(stop) = &mut self.stop
            && let Err(refused) = stop.round(self.command, self.spec.user.as_deref(), now)
        {
            refused.record(self.step_dir);
            say(&format!("not ended: {}", refused.why));
            self.stop = None;
        }
    }

    fn pump(&mut self, at: usize, buffer: &mut [u8]) {
        let now = clock::up_ms();
        if let (Some(channel), Some(outlet)) = (self.channels.get_mut(at), &mut self.outlet) {
            let source = channel.source;
            channel.pump(buffer, now, &mut |bytes| outlet.append(bytes, source, now));
        }
    }

    /// Writes unfinished lines that have waited long enough, and the index beside them.
    fn flush_due(&mut self, now: u64) {
        self.flush_partials(now, |channel| channel.due().is_some_and(|due| due <= now));
        if let Some(outlet) = &mut self.outlet {
            outlet.flush_due(now);
        }
    }

    fn flush_partials(&mut self, now: u64, which: impl Fn(&Channel) -> bool) {
        let Some(outlet) = &mut self.outlet else { return };
        for channel in self.channels.iter_mut().filter(|channel| which(channel)) {
            let source = channel.source;
            channel.flush(&mut |bytes| outlet.append(bytes, source, now));
        }
    }

    /// Whether the result can be recorded now. While a stop is under way it cannot: the result of a stop is
    /// that nothing is left.
    fn is_result_due(&self, now: u64) -> bool {
        let all_read = self.channels.iter().all(|channel| channel.pipe.is_none());
        !self.recorded
            && self.stop.is_none()
            && now >= self.retry_from
            && match (self.ended, self.up_from) {
                (Some(ended), _) => all_read || now >= ended.up_ms + DRAIN_MS,
                (None, Some(up_from)) => now >= up_from,
                (None, None) => false,
            }
    }

    fn end(&self) -> Option<End> {
        match self.status {
            None => self.up_from.map(|_| End::Up),
            Some(status) => status
                .exit_status()
                .map(|code| End::Exited { code })
                .or_else(|| status.terminating_signal().map(|signal| End::Signaled { signal })),
        }
    }

    /// Records an end that came before there was anything to watch.
    fn give_up(&mut self, end: End) {
        self.ended = Some(clock::now());
        self.childless = true;
        loop {
            self.record(end.clone(), clock::up_ms());
            if self.recorded || self.signals.heard_stop() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(RETRY_MS));
        }
    }

    /// Writes `exit.json` and says so. Where the disk is full it is tried again; nothing is lost meanwhile.
    fn record(&mut self, end: End, now: u64) {
        self.close_output(now);
        let Now { at, up_ms } = self.ended.unwrap_or_else(clock::now);
        let remain = if self.childless || end == End::Up { Vec::new() } else { remaining() };
        let exit = Exit { end, at, up_ms, stopped: self.stopped, remain, output: self.output.clone() };
        match files::replace(self.step_dir, "exit.json", &files::json(&exit)) {
            Ok(()) => {
                self.recorded = true;
                say("exit");
            }
            // The session's folder was taken away: nobody can be told any more.
            Err(e) if e.kind() == ErrorKind::NotFound => self.recorded = true,
            Err(_) => self.retry_from = now + RETRY_MS,
        }
    }

    /// Closes `output.log`, once. What may be the beginning of a secret on a pipe that is still held stays
    /// behind, and comes with the late bytes.
    fn close_output(&mut self, now: u64) {
        if self.output.is_some() {
            return;
        }
        self.flush_partials(now, |_| true);
        let masked = self.channels.iter().map(Channel::masked).sum();
        self.output = self
            .outlet
            .as_mut()
            .and_then(|outlet| outlet.close(now))
            .map(|output| Output { masked, ..output });
    }
}

fn remaining() -> Vec<u32> {
    process::descendants(std::process::id()).into_iter().map(|descendant| descendant.identity.pid).collect()
}

fn to_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
