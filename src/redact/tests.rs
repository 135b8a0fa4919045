use proptest::prelude::*;

use super::*;

fn redactor(values: &[&str]) -> Redactor {
    Redactor::new(values.iter().enumerate().map(|(i, v)| (format!("s{i}"), *v))).expect("long enough")
}

fn in_chunks(redactor: &Redactor, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let (mut stream, mut out, mut rest) = (redactor.stream(), Vec::new(), text);
    for cut in cuts {
        let (now, later) = rest.split_at((*cut).min(rest.len()));
        stream.feed(now, &mut out);
        rest = later;
    }
    stream.feed(rest, &mut out);
    stream.finish(&mut out);
    out
}

#[test]
fn a_short_value_is_refused_by_name_and_not_shown() {
    let refused = Redactor::new([("proxy", "abcde\n")]).expect_err("five characters");
    assert_eq!(refused, TooShort { name: "proxy".into(), len: 5 });
    assert!(refused.to_string().contains("`proxy`") && !refused.to_string().contains("abcde"));
    assert!(Redactor::new([("proxy", "äöüäö")]).is_err(), "characters count, not bytes");
    assert!(Redactor::new([("proxy", "abcdef")]).is_ok());
}

#[test]
fn each_encoding_of_a_secret_is_masked() {
    let r = redactor(&["hunter2/ä b'\"$x"]);
    for shown in [
        "hunter2/ä b'\"$x",
        "68756e746572322fc3a420622722 2478".replace(' ', "").as_str(),
        "68756E746572322FC3A4206227222478",
        "aHVudGVyMi/DpCBiJyIkeA==",
        "aHVudGVyMi_DpCBiJyIkeA==",
        "hunter2%2F%C3%A4%20b%27%22%24x",
        "hunter2%2f%c3%a4+b%27%22%24x",
        "hunter2/%C3%A4%20b%27%22%24x",
        r#"hunter2/ä b'\"$x"#,
        r#"hunter2\/ä b'\"$x"#,
        r#"hunter2/\u00e4 b'\"$x"#,
        r#"hunter2/ä b'\''"$x"#,
        r#"hunter2/ä b'"'"'"$x"#,
        r#"hunter2/ä b'\"\$x"#,
        r#"hunter2/ä\ b\'\"\$x"#,
        r#"hunter2/ä b'\\\"$x"#,
        r#"hunter2/\\u00e4 b'\\\"$x"#,
        r#"hunter2/ä b'\"'\"'\"$x"#,
    ] {
        assert_eq!(r.redact(&format!("[{shown}]")), "[******]", "{shown}");
    }
}

#[test]
fn base64_is_masked_at_every_alignment() {
    use base64::Engine as _;
    let secret = "correct horse battery";
    let r = redactor(&[secret]);
    for before in ["", "u", "us", "use", "user"] {
        for after in ["", "x", "xy", "xyz"] {
            let text = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{after}"));
            let shown = r.redact(&text);
            assert!(
                shown.contains(MASK) && shown.len() + 25 <= text.len() + MASK.len(),
                "{text} shows {shown}"
            );
        }
    }
}

#[test]
fn each_long_line_of_a_secret_is_masked_alone() {
    let r = redactor(&["-----BEGIN-----\nMIIEvQIBADAN\nab\n-----END-----\n"]);
    assert_eq!(r.redact("x MIIEvQIBADAN y\nab\n"), "x ****** y\nab\n");
}

#[test]
fn overlapping_secrets_leave_nothing_between_them() {
    let r = redactor(&["abcdefgh", "efghijkl", "abcdef"]);
    assert_eq!(r.redact("<abcdefghijkl>"), "<******>");
    assert_eq!(r.redact("<abcdef><efghijkl>"), "<******><******>");
    let r = redactor(&["abcdef", "xabcdefy"]);
    assert_eq!(in_chunks(&r, b"xabcdefy", &[7]), b"******");
    assert_eq!(in_chunks(&r, b"xabcdefz", &[7]), b"x******z");
    assert_eq!(in_chunks(&r, b"xabcdef", &[]), b"x******");
}

#[test]
fn output_that_cannot_be_a_secret_is_not_held_back() {
    let r = redactor(&["hunter2secret"]);
    let (mut stream, mut out) = (r.stream(), Vec::new());
    stream.feed(b"Continue? [y/N] ", &mut out);
    assert_eq!(out, b"Continue? [y/N] ");
    stream.feed(b"see hunter", &mut out);
    assert_eq!(out, b"Continue? [y/N] see ");
    stream.feed(b"s\n", &mut out);
    assert_eq!(out, b"Continue? [y/N] see hunters\n");
}

#[test]
fn a_secret_that_repeats_itself_does_not_pile_up() {
    let r = redactor(&["aaaaaa"]);
    let (mut stream, mut out) = (r.stream(), Vec::new());
    for _ in 0..1000 {
        stream.feed(&[b'a'; 100], &mut out);
        assert!(stream.held.len() < 64);
    }
    stream.feed(b"b", &mut out);
    assert_eq!(out, b"******b");
    assert_eq!(stream.masked(), 1);
}

#[test]
fn without_secrets_a_stream_is_a_copy() {
    let r = Redactor::default();
    assert!(r.is_empty());
    assert_eq!(in_chunks(&r, b"any \xff bytes", &[3, 1]), b"any \xff bytes");
}

proptest! {
    #[test]
    fn where_the_chunks_are_cut_changes_nothing(
        text in "[ab]{0,60}",
        secrets in proptest::collection::vec("[ab]{6,9}", 0..4),
        cuts in proptest::collection::vec(0usize..9, 0..20),
    ) {
        let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
        let r = redactor(&secrets);
        let whole = in_chunks(&r, text.as_bytes(), &[]);
        prop_assert_eq!(&in_chunks(&r, text.as_bytes(), &cuts), &whole);
        for secret in &secrets {
            prop_assert!(!String::from_utf8_lossy(&whole).contains(secret));
        }
    }

    #[test]
    fn a_planted_secret_never_survives_and_the_rest_always_does(
        secret in "[a-zA-Z0-9/+'\" $&<>\\\\ä€]{8,40}",
        before in "[0-9\n]{0,40}",
        after in "[0-9\n]{0,40}",
        form in 0usize..1000,
        cuts in proptest::collection::vec(0usize..50, 0..20),
    ) {
        prop_assume!(secret.trim_end().len() >= 8);
        let r = redactor(&[&secret]);
        let forms = &r.forms.as_ref().expect("one secret").sorted;
        let planted = &forms[form % forms.len()];
        prop_assume!(!planted.iter().all(u8::is_ascii_digit));
        let text = [before.as_bytes(), planted, after.as_bytes()].concat();
        let out = in_chunks(&r, &text, &cuts);
        prop_assert!(!out.windows(planted.len()).any(|w| w == planted.as_slice()));
        // A form may stand within a longer one, and a digit beside it may belong to that: only then more is masked.
        let whole = in_chunks(&r, &text, &[]);
        prop_assert_eq!(out, whole);
    }

    #[test]
    fn text_without_a_secret_is_untouched(text in "[a-y0-9 \n]{0,200}", cuts in proptest::collection::vec(0usize..50, 0..20)) {
        let r = redactor(&["zzzz-zzzz", "Z0123456Z"]);
        let encoded = r.redact(&text);
        prop_assert_eq!(&encoded, &text);
        prop_assert_eq!(in_chunks(&r, text.as_bytes(), &cuts), text.into_bytes());
    }
}
