//! What is listed, and what is taken for no seal. Real signatures are in the integration tests.

use std::os::unix::fs::symlink;

use super::*;

/// Made with `ssh-keygen -Y sign -n gonogo`; the text is another, which nobody finds out here.
const SIGNATURE: &str = include_str!("a-signature.sig");
const KEY: &str = include_str!("a-signature.key");

fn head() -> Head {
    let at = chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a date");
    Head { session: "20261118-orders".to_owned(), seq: 17, hash: "9f3ca1b2".repeat(8), at }
}

fn sign(text: &Path) -> Result<(), String> {
    fs::write(text.with_file_name("seal.sig"), SIGNATURE).map_err(|e| e.to_string())
}

#[test]
fn a_seal_is_kept_for_its_owner_alone_and_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(list(folder.path()).expect("readable"), []);
    let made = keep(folder.path(), &head(), sign).expect("kept");
    assert_eq!((made.key.as_str(), made.again), (KEY.trim(), false));
    let seals = list(folder.path()).expect("readable");
    assert_eq!(seals.len(), 1);
    assert_eq!((&seals[0].head, seals[0].key.as_deref()), (&Ok(head()), Some(KEY.trim())));
    assert_eq!(seals[0].verdict, Signature::NotChecked);
    for file in fs::read_dir(folder.path().join(FOLDER)).expect("readable").flatten() {
        assert_eq!(file.metadata().expect("there").mode() & 0o777, 0o600, "{file:?}");
    }
    let first = fs::read(&made.path).expect("there");
    let later = Head { at: head().at + chrono::TimeDelta::hours(1), ..head() };
    assert!(keep(folder.path(), &later, sign).expect("kept").again);
    assert_eq!(fs::read(&made.path).expect("there"), first, "the first one stays");
    assert_eq!(fs::read_dir(folder.path().join(FOLDER)).expect("readable").count(), 2);
}

#[test]
fn where_signing_fails_nothing_is_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    type Sign = fn(&Path) -> Result<(), String>;
    let failing: [Sign; 2] = [
        |_| Err("no such key".to_owned()),
        |text| fs::write(text.with_file_name("seal.sig"), "junk").map_err(|e| e.to_string()),
    ];
    for sign in failing {
        assert!(matches!(keep(folder.path(), &head(), sign), Err(SealError::Signing(_))));
        assert_eq!(fs::read_dir(folder.path().join(FOLDER)).expect("readable").count(), 0);
    }
}

#[test]
fn what_is_no_seal_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = keep(folder.path(), &head(), sign).expect("kept");
    let signature = made.path.with_extension("seal.sig");
    let why = || list(folder.path()).expect("readable").remove(0).head.expect_err("it is none");
    let good = head().to_string();
    let spoilt = [
        good.replace("seal 1", "seal 2"),
        good.replace("seq: 17", "seq: 017"),
        good.replace("seq: 17", "seq: 0"),
        good.replace("9f3c", "9F3C"),
        good.replace("sealed", "seal"),
        format!("{good}\n"),
        good.trim_end().to_owned(),
        String::new(),
    ];
    for text in spoilt {
        fs::write(&made.path, &text).expect("written");
        assert!(why().contains("not that of a seal"), "{text}");
    }
    fs::write(&made.path, &good).expect("written");
    fs::write(&signature, "junk").expect("written");
    assert!(why().contains("no SSH signature"));
    fs::remove_file(&signature).expect("removed");
    assert!(why().contains("signature cannot be read"));
    symlink("/dev/zero", &signature).expect("linked");
    assert!(why().contains("a link stands in its place"));
}

#[test]
fn a_link_in_place_of_the_folder_is_not_followed() {
    let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    symlink(other.path(), folder.path().join(FOLDER)).expect("linked");
    assert!(list(folder.path()).is_err());
    assert!(keep(folder.path(), &head(), sign).is_err());
}
