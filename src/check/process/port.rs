//! Who listens on a port.

/// The processes that listen on this TCP port, of any address. `hint` is looked at first, and alone where it does.
///
/// # Errors
/// A sentence: somebody listens, and this account may not see who; or the system has no way to tell.
#[cfg(target_os = "linux")]
pub(super) fn listeners(port: u16, hint: &[u32]) -> Result<Vec<u32>, String> {
    let sockets = linux::listening(port)?;
    if sockets.is_empty() {
        return Ok(Vec::new());
    }
    let known = linux::owners(&sockets, hint.iter().copied());
    if !known.is_empty() {
        return Ok(known);
    }
    let owners = linux::owners(&sockets, linux::pids());
    if owners.is_empty() {
        return Err(format!(
            "somebody listens on port {port}, and this account may not see which process it is"
        ));
    }
    Ok(owners)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn listeners(port: u16, _hint: &[u32]) -> Result<Vec<u32>, String> {
    Err(format!("who listens on port {port} cannot be told on this system: use name, exe or pidfile"))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;

    /// The state of a listening socket in `/proc/net/tcp`.
    const LISTEN: &str = "0A";

    /// The sockets, by inode, that listen on a port.
    pub fn listening(port: u16) -> Result<HashSet<u64>, String> {
        let mut sockets = HashSet::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            match std::fs::read_to_string(table) {
                Ok(text) => sockets.extend(text.lines().skip(1).filter_map(|line| inode(line, port))),
                // Without IPv6 there is no second table.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && table.ends_with('6') => {}
                Err(e) => return Err(format!("{table}: {e}")),
            }
        }
        Ok(sockets)
    }

    fn inode(line: &str, port: u16) -> Option<u64> {
        let mut fields = line.split_ascii_whitespace();
        let (_, local) = fields.nth(1)?.rsplit_once(':')?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?.parse().ok()?;
        (state == LISTEN && u16::from_str_radix(local, 16) == Ok(port)).then_some(inode)
    }

    pub fn pids() -> impl Iterator<Item = u32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    /// Those of `pids` that hold one of the sockets.
    pub fn owners(sockets: &HashSet<u64>, pids: impl Iterator<Item = u32>) -> Vec<u32> {
        pids.filter(|pid| {
            let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|target| {
                let inode =
                    target.to_str().and_then(|t| t.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
                inode.is_some_and(|inode| sockets.contains(&inode))
            })
        })
        .collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_of_the_table_is_read() {
            let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 34567 1 0";
            assert_eq!(inode(line, 8080), Some(34567));
            assert_eq!(inode(line, 8081), None);
            assert_eq!(inode(&line.replace(" 0A ", " 01 "), 8080), None);
            assert_eq!(inode("torn", 8080), None);
        }

        #[test]
        fn who_listens_is_found() {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            assert_eq!(super::super::listeners(port, &[]).unwrap(), [std::process::id()]);
            drop(listener);
            assert!(super::super::listeners(port, &[]).unwrap().is_empty());
        }
    }
}
