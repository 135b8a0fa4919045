//! What the steps printed, as it was recorded: its beginning and its end where it is long, every line of stderr marked by
//! a character. Read from the session's folder, and from nowhere else.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::markup::{Lines, Markup, html, put};
use super::words;
use crate::audit::below::open as open_beside;
use crate::audit::outputs::{Entry, Source};
use crate::report::model::{Output, Report};
use crate::text;

/// How much of one output is shown at the most, in bytes.
const EACH: u64 = 64 << 10;
/// How much of all outputs together.
const ALL: u64 = 1 << 20;
/// How much of an index is read: some hours of a program that never stops printing.
const INDEX: u64 = 16 << 20;

/// The outputs of a session.
pub struct Outputs<'a> {
    folder: Option<&'a Path>,
    /// How much of each is shown, in bytes.
    each: u64,
    /// What `verify` says of files that are not as they were.
    changed: Vec<&'a str>,
}

impl<'a> Outputs<'a> {
    #[must_use]
    pub fn new(report: &'a Report, folder: Option<&'a Path>) -> Self {
        let steps = report.stages.iter().flat_map(|stage| stage.steps.iter().chain(&stage.rollback));
        let steps = steps.chain(&report.way_back.prepare).chain(&report.way_back.steps);
        let outputs = steps.flat_map(|step| &step.attempts).filter_map(|attempt| attempt.output.as_ref());
        let longer = outputs.filter(|output| output.bytes > 0).count() as u64;
        let changed = report.record.verdicts.iter().map(|verdict| verdict.text.as_str()).collect();
        Self { folder, each: (ALL / longer.max(1)).clamp(512, EACH), changed }
    }

    /// The output, to be opened.
    pub fn draw(&self, output: &Output) -> Markup {
        if output.bytes == 0 {
            return html!("<p class='dim'>It printed nothing.</p>");
        }
        let lines = match self.folder.map(|folder| self.read(folder, output)) {
            Some(Ok(lines)) => html!("<pre class='output'>{}</pre>", lines),
            Some(Err(e)) => html!("<p>It cannot be read: {}.</p>", e.to_string()),
            None => html!("<p>It is not here: it lies in the session's folder.</p>"),
        };
        let altered = self.changed.iter().any(|verdict| verdict.contains(&output.path));
        html!(
            "<details><summary>Output, {}{}{}</summary>{}<p class='dim'><code>{}</code><br>SHA-256 <code>{}</code></p></details>",
            words::bytes(output.bytes),
            (output.dropped > 0)
                .then(|| html!(", {} more were cut at its limit", words::bytes(output.dropped))),
            altered.then(|| html!(" {}", words::state(("✗", "NOT AS RECORDED", "fail")))),
            lines,
            output.path,
            output.sha256,
        )
    }

    fn read(&self, folder: &Path, output: &Output) -> io::Result<Markup> {
        let path = Path::new(&output.path);
        let mut file = open_beside(folder, path)?;
        let index =
            open_beside(folder, &path.with_file_name("output.idx")).and_then(read_index).unwrap_or_default();
        let total = file.metadata()?.len();
        let mut drawn = Markup::default();
        if total <= self.each {
            lines(&mut drawn, &piece(&mut file, 0, total)?, 0, &index);
            return Ok(drawn);
        }
        let (first, last) = (self.each / 3 * 2, self.each / 3);
        lines(&mut drawn, &piece(&mut file, 0, first)?, 0, &index);
        let (rest, left) = (total - last, total - last - first);
        put!(
            drawn,
            "<b class='own'>… {} are left out here: the rest is in {} …</b>\n",
            words::bytes(left),
            output.path
        );
        lines(&mut drawn, &piece(&mut file, rest, last)?, rest, &index);
        Ok(drawn)
    }
}

fn piece(file: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_index(file: File) -> io::Result<Vec<Entry>> {
    let mut text = String::new();
    file.take(INDEX).read_to_string(&mut text)?;
    Ok(text.lines().filter_map(Entry::parse).collect())
}

/// Draws lines that begin at `at`, each with the mark of the stream that it came over.
fn lines(drawn: &mut Markup, bytes: &[u8], mut at: u64, index: &[Entry]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let source =
            index[..index.partition_point(|entry| entry.offset <= at)].last().map(|entry| entry.source);
        at += line.len() as u64;
        let (class, mark) = match source {
            Some(Source::Err) => ("err", "! "),
            Some(Source::Shim) => ("own", "- "),
            Some(Source::Out) | None => ("out", "| "),
        };
        let shown = text::decode(line.strip_suffix(b"\n").unwrap_or(line));
        if class == "out" {
            put!(drawn, "<i>{}</i>{}\n", mark, Lines(&shown));
        } else {
            put!(drawn, "<span class='{}'><i>{}</i>{}</span>\n", class, mark, Lines(&shown));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn output(path: &str, bytes: u64) -> Output {
        Output { path: path.to_owned(), bytes, sha256: String::new(), dropped: 0 }
    }

    fn drawn(folder: &Path, each: u64, output: &Output) -> String {
        Outputs { folder: Some(folder), each, changed: Vec::new() }.draw(output).into_string()
    }

    #[test]
    fn what_came_over_stderr_is_marked_by_a_character() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("output.log"), "fine\n<b>\u{1b}[31m\nfine again").expect("written");
        fs::write(folder.path().join("output.idx"), "10 0 o\n20 5 e\n30 14 o\n").expect("written");
        let page = drawn(folder.path(), 1000, &output("output.log", 24));
        assert!(
            page.contains(
                "<i>| </i>fine\n<span class='err'><i>! </i>&lt;b&gt;^[[31m</span>\n<i>| </i>fine again\n"
            ),
            "{page}"
        );
    }

    #[test]
    fn of_a_long_one_the_beginning_and_the_end_are_shown_and_where_the_rest_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let text: String = (0..10_000).map(|line| format!("line {line}\n")).collect();
        fs::write(folder.path().join("output.log"), &text).expect("written");
        let page = drawn(folder.path(), 3_000, &output("output.log", text.len() as u64));
        assert!(page.contains("line 0\n") && page.contains("line 9999\n"), "{page}");
        assert!(page.contains("kB are left out here: the rest is in output.log"), "{page}");
        assert!(page.len() < 8_000, "{}", page.len());
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = drawn(folder.path(), 1000, &output("../../../etc/hostname", 10));
        assert!(page.contains("cannot be read"), "{page}");
    }
}
