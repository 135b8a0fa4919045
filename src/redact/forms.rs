//! The forms in which a program may print a secret: as it is, line by line, encoded, or escaped for a shell,
//! a URL or JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::MIN_LEN;

/// The value without the line ends at its end, which a file has and a variable has not.
pub fn trim_line_end(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|b| !matches!(b, b'\n' | b'\r')).map_or(0, |at| at + 1);
    &value[..end]
}

/// Appends every form of `value` to `forms`. Forms shorter than [`MIN_LEN`] bytes are left out.
pub fn of(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    encoded(value, forms);
    let lines: Vec<&[u8]> = value.split(|b| *b == b'\n').map(trim_line_end).collect();
    if lines.len() > 1 {
        for line in lines.into_iter().filter(|line| line.len() >= MIN_LEN) {
            encoded(line, forms);
        }
    }
    forms.retain(|form| form.len() >= MIN_LEN);
}

fn encoded(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    forms.push(value.to_vec());
    forms.push(base16ct::lower::encode_string(value).into_bytes());
    forms.push(base16ct::upper::encode_string(value).into_bytes());
    base64(value, forms);
    url(value, forms);
    let from = forms.len();
    json(value, forms);
    shell(value, forms);
    // What a log line holds, and a shell's argument, is often put into JSON once more.
    let escaped = forms.split_off(from);
    escaped.iter().for_each(|escaped| json(escaped, forms));
    forms.extend(escaped);
}

/// The value alone, and the characters that it alone decides where it stands inside something longer: with
/// one or two bytes before it the rest is shifted. In both alphabets, and broken into lines of 64 and 76.
fn base64(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    let whole = STANDARD.encode(value);
    let mut all = vec![whole.clone()];
    for (shift, depends_on_before) in [(0, 0), (1, 2), (2, 3)] {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(value);
        let text = STANDARD_NO_PAD.encode(&bytes);
        let depends_on_after = usize::from(bytes.len() % 3 != 0);
        all.push(text[depends_on_before..text.len() - depends_on_after].to_owned());
    }
    for width in [64, 76] {
        if whole.len() > width {
            all.extend(whole.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()));
        }
    }
    for text in all {
        forms.push(text.replace('+', "-").replace('/', "_").into_bytes());
        forms.push(text.into_bytes());
    }
}

/// Percent-encoding as RFC 3986, Python's `quote`, JavaScript's `encodeURIComponent` and HTML forms do it.
fn url(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    for kept in ["-_.~", "-_.~/", "-_.~!'()*", "-_.*"] {
        for upper in [true, false] {
            let mut text = String::new();
            for &b in value {
                match b {
                    b if b.is_ascii_alphanumeric() || kept.as_bytes().contains(&b) => {
                        text.push(char::from(b))
                    }
                    b if upper => text.push_str(&format!("%{b:02X}")),
                    b => text.push_str(&format!("%{b:02x}")),
                }
            }
            forms.push(text.replace("%20", "+").into_bytes());
            forms.push(text.into_bytes());
        }
    }
}

/// Inside a JSON string: as it must be, with `/` escaped, with `<`, `>`, `&` escaped, and as pure ASCII.
fn json(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    let quoted = serde_json::Value::from(String::from_utf8_lossy(value)).to_string();
    let plain = &quoted[1..quoted.len() - 1];
    let ascii = |text: &str| -> String {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                c if c.is_ascii() => out.push(c),
                c => c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            }
        }
        out
    };
    let html = plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    for text in [plain.to_owned(), plain.replace('/', "\\/"), html] {
        forms.push(ascii(&text).into_bytes());
        forms.push(text.into_bytes());
    }
}

/// Between single quotes (the shell's and Python's way), between double quotes, after `printf %q`, and
/// between `$'…'`.
fn shell(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    let escaped = |escape: &dyn Fn(u8) -> Option<String>| -> Vec<u8> {
        let mut out = Vec::new();
        for &b in value {
            match escape(b) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => out.push(b),
            }
        }
        out
    };
    let backslash = |b: u8| Some(format!("\\{}", char::from(b)));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+=".contains(&b) || !b.is_ascii();
    forms.push(escaped(&|b| (b == b'\'').then(|| r"'\''".to_owned())));
    forms.push(escaped(&|b| (b == b'\'').then(|| r#"'"'"'"#.to_owned())));
    forms.push(escaped(&|b| if b"$`\"\\".contains(&b) { backslash(b) } else { None }));
    forms.push(escaped(&|b| if b"$`\"\\!".contains(&b) { backslash(b) } else { None }));
    forms.push(escaped(&|b| if plain(b) || b == b',' { None } else { backslash(b) }));
    forms.push(escaped(&|b| if plain(b) { None } else { backslash(b) }));
    forms.push(escaped(&|b| match b {
        b'\n' => Some("\\n".to_owned()),
        b'\t' => Some("\\t".to_owned()),
        b'\r' => Some("\\r".to_owned()),
        b'\'' | b'\\' => backslash(b),
        _ => None,
    }));
}
