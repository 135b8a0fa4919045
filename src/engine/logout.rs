//! Whether the operator's logout would take the engine along: systemd-logind ends what is left of a login session
//! where it is told to, however well that has detached itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where to look and whom to ask.
#[derive(Debug, Clone)]
pub struct Host {
    /// `/`, or a folder in its place.
    pub root: PathBuf,
    /// The folder of `busctl` and `loginctl`; by `PATH` where there is none.
    pub tools: Option<PathBuf>,
    /// Whose session it is.
    pub user: String,
}

impl Host {
    /// This machine, for this user.
    #[must_use]
    pub fn this(user: &str) -> Self {
        Self { root: "/".into(), tools: None, user: user.to_owned() }
    }

    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }

    fn ask(&self, tool: &str, args: &[&str]) -> Option<String> {
        let program = self.tools.as_ref().map_or_else(|| PathBuf::from(tool), |tools| tools.join(tool));
        let said =
            Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
        said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }
}

/// What to do so that a logout does not end the engine; `None` where it would not. To be said before stage 1, when
/// there is still time.
#[must_use]
pub fn warning(host: &Host) -> Option<String> {
    let user = &host.user;
    let in_a_login = host.text("proc/self/cgroup").is_some_and(|groups| is_in_a_login(&groups));
    if !in_a_login || !kills(host) {
        return None;
    }
    // Lingering alone saves nothing that is in the login's own scope: it keeps the place where that could go instead.
    let linger =
        if lingers(host) { String::new() } else { format!("run `loginctl enable-linger {user}`, then ") };
    Some(format!(
        "when {user} logs out, systemd-logind ends this session's engine (KillUserProcesses=yes): {linger}start it \
         with `systemd-run --user --scope gonogo run …`, or stay logged in"
    ))
}

/// Whether a process of these control groups belongs to a login session, and ends with it.
fn is_in_a_login(groups: &str) -> bool {
    groups.lines().flat_map(|line| line.split('/')).any(|part| {
        part.strip_prefix("session-")
            .and_then(|rest| rest.strip_suffix(".scope"))
            .is_some_and(|n| !n.is_empty())
    })
}

/// Whether logind ends what a user leaves behind. What logind runs with counts more than what its files say.
fn kills(host: &Host) -> bool {
    let asked = |property: &str| {
        let manager = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"];
        host.ask("busctl", &[&["--timeout=2", "get-property"], &manager[..], &[property]].concat())
    };
    let written = written(host);
    let all = match asked("KillUserProcesses").as_deref() {
        Some("b true") => true,
        Some("b false") => false,
        _ => written.kill,
    };
    // `as 2 "a" "b"`
    let names = |said: Option<String>, written: Vec<String>| {
        said.filter(|said| said.starts_with("as "))
            .map_or(written, |said| said.split('"').skip(1).step_by(2).map(str::to_owned).collect())
    };
    let only = names(asked("KillOnlyUsers"), written.only);
    let excluded = names(asked("KillExcludeUsers"), written.excluded);
    let is_named = |names: &[String]| names.contains(&host.user);
    all && !is_named(&excluded) && (only.is_empty() || is_named(&only))
}

/// What logind's files say.
struct Written {
    kill: bool,
    only: Vec<String>,
    excluded: Vec<String>,
}

/// Reads logind's files in its order: the main one, then every drop-in by name, whichever folder it lies in.
fn written(host: &Host) -> Written {
    let mut written = Written { kill: false, only: Vec::new(), excluded: vec!["root".to_owned()] };
    // From the strongest to the weakest: one that lies in a stronger folder stands for its namesakes.
    let folders = ["etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd"];
    let main = folders.iter().find_map(|folder| host.text(&format!("{folder}/logind.conf")));
    let mut drop_ins: std::collections::BTreeMap<String, PathBuf> = Default::default();
    for folder in folders {
        let listed = std::fs::read_dir(host.root.join(folder).join("logind.conf.d")).into_iter().flatten();
        for path in listed.flatten().map(|entry| entry.path()) {
            if let Some(name) = file_name(&path).filter(|name| name.ends_with(".conf")) {
                drop_ins.entry(name).or_insert(path);
            }
        }
    }
    let drop_ins = drop_ins.into_values().filter_map(|path| std::fs::read_to_string(path).ok());
    for text in main.into_iter().chain(drop_ins) {
        written.read(&text);
    }
    written
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

impl Written {
    fn read(&mut self, text: &str) {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
        for (key, value) in lines.filter_map(|line| line.split_once('=')) {
            let (value, users) = (value.trim(), value.split_whitespace().map(str::to_owned));
            match key.trim() {
                "KillUserProcesses" => {
                    self.kill = matches!(
                        value.to_ascii_lowercase().as_str(),
                        "1" | "yes" | "y" | "true" | "t" | "on"
                    );
                }
                // An empty value takes back what was named before.
                "KillOnlyUsers" if value.is_empty() => self.only.clear(),
                "KillOnlyUsers" => self.only.extend(users),
                "KillExcludeUsers" if value.is_empty() => self.excluded.clear(),
                "KillExcludeUsers" => self.excluded.extend(users),
                _ => {}
            }
        }
    }
}

/// Whether the user's own service manager, and what is started under it, outlives a logout.
fn lingers(host: &Host) -> bool {
    host.root.join("var/lib/systemd/linger").join(&host.user).exists()
        || host.ask("loginctl", &["show-user", &host.user, "-p", "Linger"]).as_deref() == Some("Linger=yes")
}

#[cfg(test)]
mod tests;
