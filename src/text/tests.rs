//! What becomes of text that somebody else wrote.

use proptest::prelude::*;

use super::*;

#[test]
fn bytes_are_decoded_by_their_mark() {
    for (bytes, text) in [
        (&b"plain\r\ntext"[..], "plain\ntext"),
        (b"\xef\xbb\xbf{\"a\":1}", "{\"a\":1}"),
        (b"\xff\xfeo\0k\0\r\0\n\0", "ok\n"),
        (b"\xfe\xff\0o\0k", "ok"),
        (b"\xff\xfe\x00\xd8!\0\x41", "\\u{d800}!\\x41"),
        (b"\xff\xfe\x3d\xd8\x00\xde", "😀"),
        (b"caf\xe9 \xc3\xa9", "caf\\xe9 é"),
        (b"half \xe2\x82", "half \\xe2\\x82"),
        (b"", ""),
    ] {
        assert_eq!(decode(bytes), text, "{bytes:x?}");
    }
}

#[test]
fn escape_sequences_are_stripped_for_matching_and_text_is_not() {
    for (text, bare) in [
        ("\x1b[1;32mPASS\x1b[0m", "PASS"),
        ("\x1b]0;title\x07PASS", "PASS"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\PASS", "PASS"),
        ("\u{9b}31mred\u{9d}0;t\u{9c}!", "red!"),
        ("\x1b(Bascii\x1b7", "ascii"),
        ("\x1b]0;Ü\u{45c}\x07PASS", "PASS"),
        ("never closed \x1b]0;rest\nFAIL", "never closed ]0;rest\nFAIL"),
        ("never closed \x1b[31", "never closed [31"),
        ("cut \x1b[3\nFAIL", "cut [3\nFAIL"),
        ("two \x1b\x1b[0mof them", "two of them"),
        ("at the end \x1b", "at the end "),
        ("nothing", "nothing"),
    ] {
        assert_eq!(plain(text), bare, "{text:?}");
    }
}

#[test]
fn what_could_deceive_is_shown() {
    for (text, shown) in [
        ("clean", "clean"),
        ("grün 漢字 ⚠️ é e\u{301}", "grün 漢字 ⚠️ é e\u{301}"),
        ("\x1b[2J", "^[[2J"),
        ("a\tb\r\n", "a^Ib^M^J"),
        ("\0\x07\x7f", "^@^G^?"),
        ("\u{9b}2J", "<U+009B>2J"),
        ("\u{202e}cod.exe", "<U+202E>cod.exe"),
        ("\u{2066}x\u{2069}", "<U+2066>x<U+2069>"),
        ("pass\u{200b}word\u{ad}\u{feff}", "pass<U+200B>word<U+00AD><U+FEFF>"),
        ("\u{e0041}\u{e0100}", "<U+E0041><U+E0100>"),
        ("⚠\u{fe0f}\u{fe0f}", "⚠\u{fe0f}<U+FE0F>"),
        ("a\u{fe0f}", "a<U+FE0F>"),
        ("\u{301}first", "<U+0301>first"),
        ("\u{e000}\u{ffff}", "<U+E000><U+FFFF>"),
        ("1\u{2028}2", "1<U+2028>2"),
    ] {
        assert_eq!(safe(text), shown, "{text:?}");
    }
    let flood = format!("a{}", "\u{301}".repeat(MAX_MARKS + 2));
    assert_eq!(safe(&flood), format!("a{}<U+0301><U+0301>", "\u{301}".repeat(MAX_MARKS)));
}

#[test]
fn tabs_go_to_the_next_stop() {
    for (text, shown) in [
        ("a\tb", "a       b"),
        ("12345678\t9", "12345678        9"),
        ("漢\tb\tc", "漢      b       c"),
        ("^\x1b\tx", "^^[     x"),
    ] {
        assert_eq!(safe_line(text), shown, "{text:?}");
    }
    assert_eq!(safe_lines("a\r\nb\n\nc\u{7}").collect::<Vec<_>>(), ["a", "b", "", "c^G"]);
}

#[test]
fn a_cut_is_marked_and_splits_no_character() {
    for (text, cols, cut) in [
        ("rollback", 8, "rollback"),
        ("rollback", 7, "rollba…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
        ("", 0, ""),
    ] {
        assert_eq!(fit(text, cols), cut, "{text:?} in {cols}");
    }
}

#[test]
fn a_long_text_is_shortened_and_says_by_how_much() {
    assert_eq!(shortened("short", 5), "short");
    let long = "ä".repeat(100);
    let cut = shortened(&long, 64);
    assert!(cut.len() <= 64 && cut.starts_with("ää") && cut.ends_with("bytes more)"), "{cut}");
    assert_eq!(shortened(&long, 3), "… (200 bytes more)");
}

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,5}",
        proptest::sample::select(vec![
            "\x1b[",
            "\x1b]0;",
            "\x07",
            "\x1b\\",
            "\u{9b}",
            "\u{202e}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{301}",
            "👨",
            "漢",
            "\t",
            "\n",
            "\r",
            "\u{e0041}",
            "⚠",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn only_allowed_characters_come_out(text in hostile()) {
        prop_assert!(safe(&text).chars().all(is_allowed));
        prop_assert!(safe_line(&text).chars().all(is_allowed));
    }

    #[test]
    fn what_is_safe_stays_as_it_is(text in hostile()) {
        let once = safe(&text).into_owned();
        prop_assert_eq!(safe(&once), &*once);
        let once = safe_line(&text).into_owned();
        prop_assert_eq!(safe_line(&once), &*once);
    }

    #[test]
    fn nothing_is_dropped(text in hostile()) {
        let shown = safe(&text);
        for c in text.chars().filter(|c| is_allowed(*c) && c.width() > Some(0)) {
            prop_assert!(shown.contains(c));
        }
        prop_assert!(shown.chars().count() >= text.chars().count());
    }

    #[test]
    fn bare_text_holds_no_introducer(text in hostile()) {
        let bare = plain(&text).into_owned();
        prop_assert!(!bare.contains(is_introducer));
        prop_assert_eq!(plain(&bare), &*bare);
        prop_assert_eq!(text.matches('\n').count(), bare.matches('\n').count());
    }

    #[test]
    fn decoding_takes_any_bytes(bytes: Vec<u8>) {
        prop_assert!(!decode(&bytes).contains("\r\n"));
    }

    #[test]
    fn what_fits_is_no_wider_than_asked(text in hostile(), cols in 0_usize..20) {
        let shown = safe(&text);
        let cut = fit(&shown, cols);
        prop_assert!(width(&cut) <= cols);
        prop_assert!(cut == shown || cut.ends_with('…') || cols == 0);
    }
}
