//! Old beside new: what each check was held against, and how near it came to its limits.

use super::markup::{Markup, html, put};
use super::table;
use crate::report::model::{Number, Report, Versus};

/// The section; nothing where no check is held against a baseline.
pub fn draw(report: &Report) -> Markup {
    let mut rows = Markup::default();
    for one in &report.versus {
        put!(rows, "{}", row(one));
    }
    if rows.is_empty() {
        return rows;
    }
    let columns = [
        ("check", ""),
        ("old", "num"),
        ("new", "num"),
        ("min", "num"),
        ("max", "num"),
        ("headroom", "num"),
        ("smallest", "num"),
    ];
    html!("<section id='versus'><h2>Old and new</h2>{}</section>", table(&columns, &rows))
}

fn row(one: &Versus) -> Markup {
    let shown = |number: &Option<Number>, none: &str| {
        number.as_ref().map_or_else(|| html!("<span class='dim'>{}</span>", none), |n| html!("{}", n.shown))
    };
    let left = |number: &Option<Number>| match number {
        Some(room) if room.value < 0.0 => html!("<span class='s fail'>✗ {}</span>", room.shown),
        Some(room) => html!("<span class='s ok'>✓ {}</span>", room.shown),
        None => html!("<span class='dim'>-</span>"),
    };
    let samples = one.old.as_ref().map(|_| html!(" <span class='dim'>{} samples</span>", one.old_samples));
    html!(
        "<tr><th scope='row'>{}<br><code class='dim'>{}</code></th><td class='num' data-of='old'>{}{}</td>\
         <td class='num' data-of='new'>{}</td><td class='num' data-of='min'>{}</td><td class='num' data-of='max'>{}</td>\
         <td class='num' data-of='headroom'>{}</td><td class='num' data-of='smallest'>{}</td></tr>",
        one.check,
        one.baseline,
        shown(&one.old, "no baseline"),
        samples,
        shown(&one.new, "not judged"),
        shown(&one.least, "-"),
        shown(&one.most, "-"),
        left(&one.headroom),
        left(&one.smallest_headroom),
    )
}
