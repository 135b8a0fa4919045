//! Ends what a test left running: engines that no terminal takes with it, shims, and whatever the steps started.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Ends whatever knows of the test's folder, supervisors that start things again included.
pub(crate) fn end(folder: &Path) {
    for _ in 0..20 {
        let found = processes_of(folder);
        if found.is_empty() {
            return;
        }
        // Who is gone by now needs no ending.
        let _ = Command::new("kill").arg("-KILL").args(found).stderr(Stdio::null()).status();
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The numbers of the processes that have `folder` in their environment or in their arguments, or are in it. What a step
/// started has none of this test's variables: a step's environment is its own.
fn processes_of(folder: &Path) -> Vec<String> {
    let Ok(all) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = all.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mark = folder.as_os_str().as_encoded_bytes();
    let of_us = numbers.filter(|n| n.bytes().all(|b| b.is_ascii_digit())).filter(|number| {
        // Those of a zombie are empty, and it needs no ending.
        let told = |what| std::fs::read(format!("/proc/{number}/{what}")).unwrap_or_default();
        let names = |what| told(what).windows(mark.len()).any(|window| window == mark);
        let is_in =
            std::fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        is_in || names("environ") || names("cmdline")
    });
    of_us.collect()
}
