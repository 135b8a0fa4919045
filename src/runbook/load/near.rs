//! The nearest known name to one that is not known.

/// More names than this are not compared: who wrote so many gets an answer in time, if not the best one.
const ENOUGH: usize = 100;

/// So many names are listed where none is near.
const SHOWN: usize = 20;

/// The candidate that was probably meant, if any is near enough.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .take(ENOUGH)
        .map(|candidate| (strsim::damerau_levenshtein(&name.to_lowercase(), candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What to say about a name that is not known: the nearest one, or all there are.
pub fn suggest<'a>(name: &str, what: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut known: Vec<String> = candidates.into_iter().take(SHOWN + 1).map(|c| format!("`{c}`")).collect();
    if known.is_empty() {
        return format!("there is no {what}");
    }
    if known.len() > SHOWN {
        known[SHOWN] = "…".to_owned();
    }
    format!("known are {}", known.join(", "))
}
