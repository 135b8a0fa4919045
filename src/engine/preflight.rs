//! What is asked of the machine before stage 1: whether `sudo` will do, without a password, what steps with `user`
//! need.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::runbook::model::Runbook;

/// What stands in the way, a sentence each; empty where nothing does.
#[must_use]
pub fn problems(runbook: &Runbook) -> Vec<String> {
    let users: BTreeSet<&str> = runbook.all_steps().filter_map(|s| s.user.as_deref()).collect();
    if users.is_empty() {
        return Vec::new();
    }
    let listed = Command::new("sudo").args(["-n", "-l"]).stdin(Stdio::null()).output();
    let names = users.iter().copied().collect::<Vec<_>>().join(", ");
    let output = match listed {
        Ok(output) => output,
        Err(e) => return vec![format!("steps run as {names}, and sudo cannot be asked: {e}")],
    };
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return vec![format!("steps run as {names}, and `sudo -n -l` refuses: {why}")];
    }
    let rules = String::from_utf8_lossy(&output.stdout).into_owned();
    users.into_iter().filter_map(|user| rule_problem(&rules, user)).collect()
}

/// Why the rules that `sudo -l` printed do not let a step run as `user` with its environment.
fn rule_problem(rules: &str, user: &str) -> Option<String> {
    let mut without_environment = false;
    for rule in rules.lines().filter_map(|line| line.trim().strip_prefix('(')) {
        let Some((who, what)) = rule.split_once(')') else { continue };
        let mut users = who.split([',', ':', ' ']).map(str::trim);
        if !users.any(|name| name == user || name == "ALL") || !what.contains("NOPASSWD:") && !is_root() {
            continue;
        }
        // Where every command is allowed, setting variables is, too.
        if what.contains("SETENV:") || what.split([':', ',', ' ']).any(|word| word == "ALL") {
            return None;
        }
        without_environment = true;
    }
    Some(if without_environment {
        format!("sudo's rule for {user} does not allow variables to be set: add the tag SETENV to it")
    } else {
        format!("no rule of sudo lets steps run as {user} without a password")
    })
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "User ops may run the following commands on bastion:\n    (app) NOPASSWD: /usr/bin/systemctl\n    \
                         (db : db) NOPASSWD: SETENV: /opt/db/*\n    (ALL) NOPASSWD: ALL\n";

    #[test]
    fn a_rule_without_setenv_is_named_and_one_for_everything_is_enough() {
        assert_eq!(rule_problem(RULES, "anyone"), None);
        let narrow = RULES.replace("    (ALL) NOPASSWD: ALL\n", "");
        assert_eq!(rule_problem(&narrow, "db"), None);
        assert!(rule_problem(&narrow, "app").is_some_and(|p| p.contains("SETENV")));
        assert!(rule_problem(&narrow, "web").is_some_and(|p| p.contains("no rule")));
    }
}
