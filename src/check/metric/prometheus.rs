//! Prometheus: its text format, read line by line and refused whole where one line is none, and its instant queries.

use std::time::Duration;

use indexmap::IndexMap;
use reqwest::Url;
use serde_json::Value;

use super::read::no_number;
use super::{Read, TEXT};
use crate::check::http::{self, Fetched};
use crate::check::{Context, resolve};
use crate::proof::excerpt;
use crate::runbook::interpolate::Scope;
use crate::runbook::model::{HttpTarget, Template};
use crate::runbook::number;
use crate::runbook::series::Series;

/// The number of the one series of a text that fits.
pub(super) fn series(wanted: &Series, text: &str) -> Result<f64, String> {
    let mut found: Vec<&str> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (series, value) = sample(line).map_err(|why| {
            format!("line {} is no Prometheus text: {why}: {}", index + 1, excerpt(line, 0))
        })?;
        if series.fits(wanted) {
            found.push(value);
        }
    }
    match found.as_slice() {
        [] => Err(format!("there is no series {wanted}, which is no data")),
        [value] => number::parse(value).ok_or_else(|| no_number(value)),
        more => Err(format!("{} series fit {wanted}, and it is not said which is meant", more.len())),
    }
}

/// A line's series, and its value as it is written.
fn sample(line: &str) -> Result<(Series, &str), String> {
    let (series, rest) = Series::read(line)?;
    let parted = line[..line.len() - rest.len()].ends_with('}') || rest.starts_with([' ', '\t']);
    if !parted {
        return Err("nothing parts its name from its value".to_owned());
    }
    // What OpenMetrics puts behind a value as an example belongs to no number.
    let rest = rest.split_once(" # ").map_or(rest, |(rest, _)| rest);
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().ok_or("it has no value")?;
    let size = value.trim_start_matches(['+', '-']);
    let has_digits = size.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if value.parse::<f64>().is_err() || !(has_digits || matches!(size, "Inf" | "NaN")) {
        return Err("its value is no number".to_owned());
    }
    if words.next().is_some_and(|time| time.parse::<f64>().is_err()) || words.next().is_some() {
        return Err("something stands behind its value".to_owned());
    }
    Ok((series, value))
}

/// The one number that an instant query gives.
pub(super) async fn query(
    url: &Template,
    query: &Template,
    scope: &Scope,
    ctx: &Context,
    timeout: Duration,
) -> Result<Read, String> {
    let base = resolve(scope, url)?;
    // The text of the URL is not repeated: it may hold a secret.
    let mut url = Url::parse(&base).map_err(|e| format!("the url {} is none: {e}", url.as_str()))?;
    let path = format!("{}/api/v1/query", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut().append_pair("query", &resolve(scope, query)?);
    let target = HttpTarget {
        url: Template(url.into()),
        method: "GET".to_owned(),
        headers: IndexMap::new(),
        body: None,
        json: None,
        follow_redirects: 0,
        insecure: false,
        ca: None,
        proxy: None,
    };
    let Fetched { status, body } = http::text(&target, scope, ctx, timeout, TEXT).await?;
    answer(status, &body).map(Read::Number)
}

/// The number in an answer of the query API.
fn answer(status: u16, body: &str) -> Result<f64, String> {
    let Ok(answer) = serde_json::from_str::<Value>(body) else {
        return Err(format!("status {status}, and the answer is not Prometheus's"));
    };
    if let Some(error) = answer["error"].as_str() {
        return Err(format!("Prometheus refuses the query: {}", excerpt(error, 0)));
    }
    if status != 200 || answer["status"] != "success" {
        return Err(format!("status {status}, and the answer is not Prometheus's"));
    }
    let result = &answer["data"]["result"];
    let value = match (answer["data"]["resultType"].as_str(), result.as_array().map(Vec::as_slice)) {
        (Some("scalar"), _) => result,
        (Some("vector"), Some([])) => return Err("the query gives nothing, which is no data".to_owned()),
        (Some("vector"), Some([one])) => &one["value"],
        (Some("vector"), Some(more)) => {
            let many = more.len();
            return Err(format!("the query gives {many} series, and it is not said which is meant"));
        }
        (Some(other), _) => return Err(format!("the query gives a {other}, which is no number")),
        (None, _) => return Err("the answer has no result".to_owned()),
    };
    let text = value[1].as_str().ok_or("the answer has no value")?;
    number::parse(text).ok_or_else(|| no_number(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wanted: &str, text: &str) -> Result<f64, String> {
        series(&Series::parse(wanted).expect("a series"), text)
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        for line in [
            "x 4",
            "x\t4",
            "x  4  ",
            "x{} 4",
            "x {} 4",
            r#"x{p="/x/{id}"} 4"#,
            r#"x{p="/x,y"} 4"#,
            r#"x{p="say \"hi\" \\ \n"} 4"#,
            r#"x{p="a",} 4"#,
            r#"x { p = "a" , q="b" } 4"#,
            "x 4 1700000000000",
            "x 4.0e0",
            "x +4",
            r#"x{p="a"}4"#,
            r#"x{p="a"} 4 # {trace="y"} 0.5 1700000000.0"#,
            r#"{"x",p="a"} 4"#,
            "# HELP x What it is\n# TYPE x gauge\n\nx 4\n# EOF",
            "other NaN\nx 4\ninf +Inf\n",
        ] {
            assert_eq!(read("x", line), Ok(4.0), "{line}");
        }
        assert_eq!(read("job:rate:5m", "job:rate:5m 4"), Ok(4.0));
    }

    #[test]
    fn what_is_no_number_or_not_one_series_is_no_data() {
        for (text, why) in [
            ("x NaN", "\"NaN\" is no number"),
            ("x +Inf", "is no number"),
            ("x -Inf", "is no number"),
            ("x 1e400", "is no number"),
            ("y 4", "there is no series x"),
            ("", "there is no series x"),
            ("x{a=\"1\"} 4\nx{a=\"2\"} 4", "2 series fit x"),
            ("x 4\nx 4", "2 series fit x"),
        ] {
            let said = read("x", text).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_text_of_which_one_line_cannot_be_read_is_refused_whole() {
        for line in [
            "<html>404 page not found</html>",
            "x",
            "x{",
            "x{a} 1",
            "x{a=1} 1",
            "x 1,5",
            "x 4 5 6",
            "x 4 soon",
            "x nan",
            "x infinity",
            "x 0x10",
            "9x 1",
            "x=4",
            "x-4",
            "ä 4",
        ] {
            let said = read("y", &format!("y 1\n{line}\n")).expect_err(line);
            assert!(said.starts_with("line 2 is no Prometheus text"), "{line}: {said}");
        }
    }

    #[test]
    fn an_answer_gives_one_number_or_says_why_not() {
        let of = |data: &str| answer(200, &format!(r#"{{"status":"success","data":{data}}}"#));
        assert_eq!(of(r#"{"resultType":"vector","result":[{"metric":{},"value":[1.5,"0.25"]}]}"#), Ok(0.25));
        assert_eq!(of(r#"{"resultType":"scalar","result":[1.5,"7"]}"#), Ok(7.0));
        for (data, why) in [
            (r#"{"resultType":"vector","result":[]}"#, "gives nothing"),
            (r#"{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"1"]}]}"#, "2 series"),
            (r#"{"resultType":"vector","result":[{"value":[1,"NaN"]}]}"#, "\"NaN\" is no number"),
            (r#"{"resultType":"vector","result":[{"value":[1,"+Inf"]}]}"#, "is no number"),
            (r#"{"resultType":"vector","result":[{"value":[1]}]}"#, "no value"),
            (r#"{"resultType":"vector","result":[{"histogram":[1,{}]}]}"#, "no value"),
            (r#"{"resultType":"matrix","result":[]}"#, "a matrix"),
            (r#"{"resultType":"string","result":[1,"5"]}"#, "a string"),
            ("{}", "no result"),
            ("null", "no result"),
        ] {
            let said = of(data).expect_err(data);
            assert!(said.contains(why), "{data}: {said}");
        }
        let refused = answer(400, r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        assert_eq!(refused, Err("Prometheus refuses the query: parse error".to_owned()));
        assert!(answer(200, "<html>").is_err() && answer(502, "{}").is_err() && answer(200, "{}").is_err());
    }
}
