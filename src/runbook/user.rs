//! How a command is run as another user: one way, whether it is run, shown or pasted.

use super::model::{Runbook, Step, Template};
use super::quote::quote;

/// The variables by which a command knows where it is.
pub const OWN: [&str; 3] = ["GONOGO_SESSION", "GONOGO_STEP", "GONOGO_ATTEMPT"];

/// The variables that a runbook sets for a step's command, the step's own over the runbook's.
pub fn variables<'a>(
    runbook: &'a Runbook,
    step: &'a Step,
) -> impl Iterator<Item = (&'a String, &'a Template)> {
    runbook.env.iter().filter(|(name, _)| !step.env.contains_key(*name)).chain(&step.env)
}

/// The variables that a step's command keeps as another user: those set for it, and those by which it knows where it
/// is.
pub fn kept<'a>(runbook: &'a Runbook, step: &'a Step) -> impl Iterator<Item = &'a str> {
    variables(runbook, step).map(|(name, _)| name.as_str()).chain(OWN)
}

/// The command line that runs `argv` as another user, keeping the variables of these names.
#[must_use]
pub fn as_user<'a>(user: &str, argv: &[String], names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let sudo = ["sudo", "-n", "-u", user].map(str::to_owned);
    sudo.into_iter().chain(keep(names)).chain(["--".to_owned()]).chain(argv.iter().cloned()).collect()
}

/// The same as a shell reads it, up to the command itself.
#[must_use]
pub fn prefix<'a>(user: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let keep = keep(names).map(|keep| format!("{keep} ")).unwrap_or_default();
    format!("sudo -n -u {} {keep}-- ", quote(user))
}

/// Names of variables hold nothing that a shell would read as more than a name: the loader refuses others.
fn keep<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names = names.into_iter().collect::<Vec<_>>().join(",");
    (!names.is_empty()).then(|| format!("--preserve-env={names}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_user_gets_the_named_variables_and_the_command_as_it_is() {
        let argv = ["sh".to_owned(), "-c".to_owned(), "echo $A".to_owned()];
        let shown = as_user("app", &argv, ["A", "B_2"]).join("|");
        assert_eq!(shown, "sudo|-n|-u|app|--preserve-env=A,B_2|--|sh|-c|echo $A");
        assert_eq!(as_user("app", &argv[..1], []).join("|"), "sudo|-n|-u|app|--|sh");
        assert_eq!(prefix("#7", ["A", "B_2"]), "sudo -n -u '#7' --preserve-env=A,B_2 -- ");
        assert_eq!(prefix("app", []), "sudo -n -u app -- ");
    }
}
