use super::*;

/// A machine made of files and of what its tools say.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn with(self, path: &str, content: &str) -> Self {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("made");
        std::fs::write(path, content).expect("written");
        self
    }

    /// A tool that says `said` when it is asked for `asked`, and fails otherwise.
    fn tool(self, name: &str, asked: &str, said: &str) -> Self {
        let path = self.0.path().join("tools").join(name);
        let content = if path.exists() { String::new() } else { "#!/bin/sh\n".to_owned() };
        let more = format!("case \"$*\" in *{asked}) echo '{said}'; exit 0;; esac\n");
        std::fs::create_dir_all(self.0.path().join("tools")).expect("made");
        // Another process writes it: one that this one holds open for writing could not be executed.
        let made = Command::new("sh")
            .args(["-c", "printf %s \"$1\" >> \"$0\"; chmod +x \"$0\""])
            .arg(&path)
            .arg(content + &more)
            .status();
        assert!(made.expect("sh").success());
        self
    }

    fn warning(&self) -> Option<String> {
        let tools = self.0.path().join("tools");
        warning(&Host { root: self.0.path().to_owned(), tools: Some(tools), user: "ada".to_owned() })
    }
}

const LOGIN: &str = "0::/user.slice/user-1000.slice/session-17.scope\n";

fn logged_in() -> Machine {
    Machine::new().with("proc/self/cgroup", LOGIN)
}

#[test]
fn every_combination_of_login_killing_and_lingering_is_told_apart() {
    let outside = [
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u7.scope\n",
        "0::/system.slice/sshd.service\n",
        "0::/\n",
        "0::/user.slice/session-.scope\n",
        "",
    ];
    let inside = [LOGIN, "12:pids:/user.slice/x\n1:name=systemd:/user.slice/user-0.slice/session-c2.scope\n"];
    for (groups, in_a_login) in outside.map(|g| (g, false)).into_iter().chain(inside.map(|g| (g, true))) {
        for kills in [false, true] {
            for lingers in [false, true] {
                let machine = Machine::new()
                    .with("proc/self/cgroup", groups)
                    .tool("busctl", "KillUserProcesses", &format!("b {kills}"))
                    .tool("busctl", "KillOnlyUsers", "as 0")
                    .tool("busctl", "KillExcludeUsers", "as 1 \"root\"")
                    .tool("loginctl", "Linger", if lingers { "Linger=yes" } else { "Linger=no" });
                let said = machine.warning();
                assert_eq!(said.is_some(), in_a_login && kills, "{groups:?} {kills} {lingers}: {said:?}");
                if let Some(said) = said {
                    assert!(said.contains("systemd-run --user --scope gonogo run"), "{said}");
                    assert_eq!(said.contains("loginctl enable-linger ada"), !lingers, "{said}");
                }
            }
        }
    }
}

#[test]
fn a_machine_without_logind_warns_of_nothing() {
    assert_eq!(Machine::new().warning(), None);
    assert_eq!(logged_in().warning(), None);
}

#[test]
fn some_users_are_named_to_be_ended_or_to_be_spared() {
    for (only, excluded, ends) in [
        ("as 0", "as 0", true),
        ("as 1 \"ada\"", "as 0", true),
        ("as 2 \"bob\" \"ada\"", "as 0", true),
        ("as 1 \"bob\"", "as 0", false),
        ("as 0", "as 2 \"root\" \"ada\"", false),
        ("as 1 \"ada\"", "as 1 \"ada\"", false),
        ("as 1 \"adam\"", "as 0", false),
    ] {
        let machine = logged_in()
            .tool("busctl", "KillUserProcesses", "b true")
            .tool("busctl", "KillOnlyUsers", only)
            .tool("busctl", "KillExcludeUsers", excluded);
        assert_eq!(machine.warning().is_some(), ends, "{only}, {excluded}");
    }
}

#[test]
fn without_an_answer_the_files_say_it_and_the_later_name_wins() {
    let main = "etc/systemd/logind.conf";
    let yes = "[Login]\nKillUserProcesses=yes\n";
    let table: [(&[(&str, &str)], bool); 12] = [
        (&[(main, "[Login]\n#KillUserProcesses=yes\n")], false),
        (&[(main, yes)], true),
        (&[(main, "[Login]\n KillUserProcesses = True \n")], true),
        (&[("usr/lib/systemd/logind.conf", yes)], true),
        (&[(main, "[Login]\n"), ("usr/lib/systemd/logind.conf", yes)], false),
        (&[("usr/lib/systemd/logind.conf.d/10-kill.conf", yes)], true),
        (&[(main, yes), ("etc/systemd/logind.conf.d/50.conf", "[Login]\nKillUserProcesses=no\n")], false),
        (
            &[
                ("usr/lib/systemd/logind.conf.d/90.conf", yes),
                ("etc/systemd/logind.conf.d/10.conf", "[Login]\nKillUserProcesses=no\n"),
            ],
            true,
        ),
        // A file of the same name in /etc stands for the one in /usr/lib.
        (
            &[
                ("usr/lib/systemd/logind.conf.d/10.conf", yes),
                ("etc/systemd/logind.conf.d/10.conf", "[Login]\n"),
            ],
            false,
        ),
        (&[(main, yes), ("etc/systemd/logind.conf.d/not-one.txt", "KillUserProcesses=no\n")], true),
        (&[(main, "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root ada\n")], false),
        (&[(main, "[Login]\nKillUserProcesses=yes\nKillOnlyUsers=bob\nKillOnlyUsers=\n")], true),
    ];
    for (files, ends) in table {
        let machine = files.iter().fold(logged_in(), |machine, (path, content)| machine.with(path, content));
        assert_eq!(machine.warning().is_some(), ends, "{files:?}");
    }
}

#[test]
fn what_logind_runs_with_counts_more_than_its_files() {
    let yes = "[Login]\nKillUserProcesses=yes\n";
    let machine =
        logged_in().with("etc/systemd/logind.conf", yes).tool("busctl", "KillUserProcesses", "b false");
    assert_eq!(machine.warning(), None);
}

#[test]
fn lingering_is_known_by_its_file_too() {
    let machine = logged_in()
        .with("etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n")
        .with("var/lib/systemd/linger/ada", "");
    assert!(!machine.warning().expect("the scope ends all the same").contains("enable-linger"));
}
