//! What a path or a glob stands for.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::MOST_FILES;

/// The files and links that `name` stands for, in order: itself where it is there as it is written, everything below it
/// where that is a folder, else what it matches as a glob. Links are not followed.
///
/// # Errors
/// A sentence: something on the way cannot be read, it is no glob, or there is no end of files.
pub fn found(dir: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    let path = dir.join(name);
    let mut files = Vec::new();
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_dir() => below(&path, &mut files)?,
        Ok(_) => files.push(path),
        Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(format!("{}: {e}", path.display()));
        }
        Err(_) if !name.contains(['*', '?', '[']) => {}
        Err(_) => {
            let pattern = Path::new(&glob::Pattern::escape(&dir.to_string_lossy())).join(name);
            let matches =
                glob::glob(&pattern.to_string_lossy()).map_err(|e| format!("{name} is no glob: {e}"))?;
            for entry in matches {
                let path = entry.map_err(|e| format!("{}: {}", e.path().display(), e.error()))?;
                let meta = fs::symlink_metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                if !meta.is_dir() {
                    add(path, &mut files)?;
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unread = |e| format!("{}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        if entry.file_type().map_err(unread)?.is_dir() {
            below(&entry.path(), files)?;
        } else {
            add(entry.path(), files)?;
        }
    }
    Ok(())
}

fn add(path: PathBuf, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if files.len() == MOST_FILES {
        return Err(format!("there are more than {MOST_FILES} files: name fewer"));
    }
    files.push(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_itself_a_folder_is_all_below_it_and_the_rest_is_a_glob() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("conf/more")).expect("folders");
        for name in ["conf/a.conf", "conf/b.conf", "conf/more/c.conf", "odd[1].conf"] {
            fs::write(at(name), "x").expect("a file");
        }
        std::os::unix::fs::symlink("nowhere", at("conf/gone.conf")).expect("a link");
        let names = |pattern: &str| -> Vec<String> {
            let found = found(dir.path(), pattern).expect("readable");
            let name = |p: &PathBuf| p.strip_prefix(dir.path()).expect("below").display().to_string();
            found.iter().map(name).collect()
        };
        assert_eq!(names("conf/*.conf"), ["conf/a.conf", "conf/b.conf", "conf/gone.conf"]);
        assert_eq!(names("conf"), ["conf/a.conf", "conf/b.conf", "conf/gone.conf", "conf/more/c.conf"]);
        assert_eq!(names("odd[1].conf"), ["odd[1].conf"]);
        assert!(names("conf/d.conf").is_empty() && names("none/*").is_empty());
        assert!(found(dir.path(), "conf/[").is_err_and(|why| why.contains("is no glob")));
    }
}
