use super::*;
use crate::guard::{found, take};

/// A folder with configuration, and a session beside it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("etc/app")).expect("folders");
        fs::create_dir_all(dir.path().join("20270101-000000-x")).expect("folders");
        let place = Self { dir };
        place.write("etc/app/a.conf", "one\n", 0o640);
        place.write("etc/app/b.sh", "#!/bin/sh\n", 0o755);
        std::os::unix::fs::symlink("a.conf", place.at("etc/app/current")).expect("a link");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().expect("it is there").join(name)
    }

    fn session(&self) -> PathBuf {
        self.at("20270101-000000-x")
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.at(name), text).expect("a file");
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).expect("its mode");
    }

    fn taken(&self, glob: &str) -> Result<Snapshot, String> {
        let files = found(&self.at(""), glob)?;
        let path = "snapshots/switch.keep.1".to_owned();
        let taken = take(&self.session(), &path, &files, &|| false)?;
        Ok(Snapshot { attempt: 1, path, files: taken.files, bytes: taken.bytes, sha256: taken.sha256 })
    }

    fn back(&self, taken: &Snapshot) -> Result<Back, String> {
        put_back(&self.session(), taken, &|| false)
    }
}

#[test]
fn content_mode_time_and_links_come_back_and_what_was_not_copied_stays() {
    let place = Place::new();
    let before = fs::metadata(place.at("etc/app/a.conf")).expect("it is there");
    let taken = place.taken("etc/app").expect("copied");
    assert_eq!((taken.files, taken.bytes), (3, 14));
    let mode = |path: &str| fs::metadata(place.session().join(path)).expect("there").mode() & 0o777;
    let copy = format!("{}/{}", taken.path, copy_of(&place.at("etc/app/a.conf")).display());
    assert_eq!((mode(&copy), mode(&taken.path)), (0o600, 0o700));

    place.write("etc/app/a.conf", "two\n", 0o600);
    place.write("etc/app/new.conf", "new\n", 0o600);
    fs::remove_file(place.at("etc/app/current")).expect("it was there");
    std::os::unix::fs::symlink("new.conf", place.at("etc/app/current")).expect("a link");
    let back = place.back(&taken).expect("put back");
    assert_eq!((back.written, back.untouched, back.failed.len()), (2, 1, 0));
    let after = fs::metadata(place.at("etc/app/a.conf")).expect("it is there");
    assert_eq!(fs::read(place.at("etc/app/a.conf")).expect("readable"), b"one\n");
    assert_eq!((after.mode(), after.modified().ok()), (before.mode(), before.modified().ok()));
    assert_eq!(fs::read_link(place.at("etc/app/current")).expect("a link"), Path::new("a.conf"));
    assert_eq!(fs::read(place.at("etc/app/new.conf")).expect("readable"), b"new\n");
    let left: Vec<_> = found(&place.at(""), "etc").expect("readable");
    assert_eq!(left.len(), 4, "nothing else is left: {left:?}");
}

#[test]
fn a_folder_that_is_gone_is_made_anew_as_it_was() {
    let place = Place::new();
    fs::set_permissions(place.at("etc/app"), fs::Permissions::from_mode(0o750)).expect("its mode");
    let taken = place.taken("etc/app/*").expect("copied");
    fs::remove_dir_all(place.at("etc")).expect("it was there");
    let back = place.back(&taken).expect("put back");
    assert_eq!((back.folders, back.written), (2, 3));
    assert_eq!(fs::metadata(place.at("etc/app")).expect("there").mode() & 0o777, 0o750);
}

#[test]
fn a_copy_that_has_changed_or_is_gone_puts_nothing_back_and_is_named() {
    let place = Place::new();
    let taken = place.taken("etc/app/*").expect("copied");
    place.write("etc/app/a.conf", "two\n", 0o640);
    let copies = place.session().join(&taken.path);
    let copy = copies.join(copy_of(&place.at("etc/app/b.sh")));
    fs::write(&copy, "rm -rf /\n").expect("it can be written");
    let why = place.back(&taken).expect_err("it is another");
    assert!(why.contains("b.sh is not what it was"), "{why}");
    fs::remove_file(&copy).expect("it was there");
    assert!(place.back(&taken).expect_err("it is gone").contains("b.sh is gone"));
    std::os::unix::fs::symlink("/etc/passwd", &copy).expect("a link");
    assert!(place.back(&taken).expect_err("a link").contains("a link stands in its place"));
    fs::write(copies.join("manifest.json"), "{}").expect("it can be written");
    assert!(place.back(&taken).expect_err("another").contains("manifest.json is not what it was"));
    assert_eq!(fs::read(place.at("etc/app/a.conf")).expect("readable"), b"two\n");
}

#[test]
fn where_another_folder_has_come_in_its_place_nothing_is_written() {
    let place = Place::new();
    let taken = place.taken("etc/app/a.conf").expect("copied");
    fs::rename(place.at("etc/app"), place.at("etc/app-2")).expect("moved");
    std::os::unix::fs::symlink("app-2", place.at("etc/app")).expect("a link");
    place.write("etc/app-2/a.conf", "other\n", 0o640);
    let why = place.back(&taken).expect_err("it is another folder");
    assert!(why.starts_with("nothing is put back: ") && why.contains("is no folder any more"), "{why}");
    assert_eq!(fs::read(place.at("etc/app-2/a.conf")).expect("readable"), b"other\n");
}

#[test]
fn what_cannot_be_copied_leaves_nothing_and_is_named() {
    let place = Place::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.at("etc/app/pipe"), Mode::RUSR).expect("a pipe");
    let why = place.taken("etc/app/*").expect_err("a pipe has no content");
    assert!(why.contains("pipe: it is neither a file nor a link"), "{why}");
    fs::remove_file(place.at("etc/app/pipe")).expect("it was there");
    let files = found(&place.at(""), "etc/app").expect("readable");
    let why = take(&place.session(), "snapshots/a.b.1", &files, &|| true).expect_err("it is ended");
    assert!(why.contains("it was ended"), "{why}");
    let huge = File::create(place.at("etc/app/huge")).expect("a file");
    huge.set_len(super::super::MOST_BYTES + 1).expect("a hole");
    assert!(place.taken("etc/app/*").expect_err("too much").contains("at most"));
    let left = fs::read_dir(place.session().join("snapshots")).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[test]
fn putting_back_twice_changes_nothing_the_second_time() {
    let place = Place::new();
    let taken = place.taken("etc/app/*").expect("copied");
    place.write("etc/app/a.conf", "two\n", 0o640);
    assert_eq!(place.back(&taken).expect("put back").written, 1);
    let inode = fs::metadata(place.at("etc/app/a.conf")).expect("there").ino();
    assert_eq!(place.back(&taken).expect("put back").untouched, 3);
    assert_eq!(fs::metadata(place.at("etc/app/a.conf")).expect("there").ino(), inode);
}
