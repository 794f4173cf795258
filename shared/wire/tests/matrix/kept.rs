//! Nothing is lost silently: each fact of the source is either said by what was written, read again, or named.

use postern_wire::dialect::Encoded;

use crate::exceptions::{Telling, excuse_in_answer, excuse_in_request};
use crate::facts::{Fact, Facts};
use crate::format::Format;

/// Names that stand for one another in lists of losses.
const SAME: &[(&str, &str)] =
    &[("audio", "modalities"), ("top_logprobs", "logprobs"), ("messages", "prompt")];

/// The facts of a request that were neither written nor named.
pub(crate) fn lost_of_request(to: Format, before: &Facts, after: &Facts, encoded: &Encoded) -> Vec<String> {
    let lost = encoded.lost.iter().map(|loss| loss.field.as_str());
    let named: Vec<&str> = lost.chain(encoded.lowered.iter().map(String::as_str)).collect();
    let telling = Telling { to, after };
    let missing = after.missing(before).into_iter();
    let silent = missing.filter(|fact| !named.iter().any(|name| covers(name, fact)));
    silent.filter(|fact| excuse_in_request(&telling, fact).is_none()).map(|fact| shown(fact, to)).collect()
}

/// The facts of an answer that were not written; a caller is not told of those, so each must be excused.
pub(crate) fn lost_of_answer(to: Format, before: &Facts, after: &Facts) -> Vec<String> {
    let telling = Telling { to, after };
    let silent = after.missing(before).into_iter();
    silent.filter(|fact| excuse_in_answer(&telling, fact).is_none()).map(|fact| shown(fact, to)).collect()
}

/// Whether a name in a list of losses speaks of a fact: of its place, of what that is in, or of something in it.
fn covers(name: &str, fact: &Fact) -> bool {
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '/']))
    };
    let place = fact.place.as_str();
    let message = place.split_once('.').map_or(place, |(message, _)| message);
    // Some writers name what a message holds by its kind instead of its place.
    let kind = match fact.what.as_str() {
        "text of reasoning" | "reasoning.data" | "signature" => Some(format!("{message}.reasoning")),
        "failed result of call" => Some(format!("{message}.tool_result.is_error")),
        _ => None,
    };
    let same = SAME.iter().any(|(a, b)| (*a, *b) == (name, place) || (*b, *a) == (name, place));
    within(name, place) || within(place, name) || same || kind.is_some_and(|kind| kind == name)
}

fn shown(fact: &Fact, to: Format) -> String {
    format!("to {}: {} ({}) {}", to.name(), fact.place, fact.what, fact.value)
}
