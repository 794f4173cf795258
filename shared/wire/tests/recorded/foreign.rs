//! Translates what was read to OpenAI Chat Completions and back.

use postern_wire::Dialect;
use postern_wire::chat::{Content, Delta, Message, Request, Response, collect};
use postern_wire::dialect::openai_chat;
use postern_wire::dialect::{AnswerContext, Target, read_stream, write_stream};

use crate::compare::ensure;

/// The text of all messages, and the names of all calls with their arguments.
fn told(messages: &[&Message]) -> (String, Vec<(String, String)>) {
    let text = messages.iter().map(|message| message.joined_text()).collect();
    let calls = messages.iter().flat_map(|message| message.tool_calls());
    (text, calls.map(|call| (call.name.clone(), call.arguments.clone())).collect())
}

/// Everything that a request says arrives at the other side, or is named.
pub(crate) fn request(dialect: Dialect, request: &Request) -> Result<(), String> {
    let mut foreign = request.clone();
    dialect.leave_extra(&mut foreign);
    let encoded = openai_chat::encode_request(&foreign, &Target::model("m"));
    let again = openai_chat::decode_request(&encoded.body).map_err(|error| error.to_string())?;
    let left: Vec<&Message> = foreign.messages.iter().collect();
    let right: Vec<&Message> = again.messages.iter().collect();
    ensure("told", &told(&right), &told(&left))?;
    // What another vendor runs cannot be told, and is named.
    let is_named = |index: usize| encoded.lost.iter().any(|loss| loss.field == format!("tools[{index}]"));
    let named = (0..foreign.tools.len()).filter(|index| is_named(*index)).count();
    ensure("tools", &(again.tools.len() + named), &foreign.tools.len())?;
    let results = |messages: &[Message]| {
        let parts = messages.iter().flat_map(|message| &message.parts);
        parts.filter(|part| matches!(part.content, Content::ToolResult(_))).count()
    };
    ensure("results", &results(&again.messages), &results(&foreign.messages))
}

/// Everything that an answer says arrives at the other side.
pub(crate) fn response(response: &Response) -> Result<(), String> {
    let mut foreign = response.clone();
    foreign.leave_extra();
    let written = openai_chat::encode_response(&foreign);
    let again = openai_chat::decode_response(&written).map_err(|error| error.to_string())?;
    fn messages(response: &Response) -> Vec<&Message> {
        response.choices.iter().map(|choice| &choice.message).collect()
    }
    ensure("told", &told(&messages(&again)), &told(&messages(&foreign)))?;
    ensure(
        "usage",
        &again.usage.map(|usage| usage.total_input()),
        &foreign.usage.map(|usage| usage.total_input()),
    )
}

/// A stream says the same on the other side.
pub(crate) fn stream(deltas: &[Delta]) -> Result<(), String> {
    let options = AnswerContext {
        id: "1".into(),
        created: 5,
        model: "m".into(),
        include_usage: true,
        ..AnswerContext::default()
    };
    let mut encoder = openai_chat::StreamEncoder::new(options);
    let foreign: Vec<Delta> = deltas.iter().cloned().filter_map(Delta::without_extra).collect();
    let written = write_stream(&mut encoder, &foreign);
    let (again, ending) = read_stream(&mut openai_chat::StreamDecoder::new(), [written]);
    ensure("ending", &ending, &Ok(()))?;
    let (left, right) = (collect(foreign), collect(again));
    fn messages(response: &Response) -> Vec<&Message> {
        response.choices.iter().map(|choice| &choice.message).collect()
    }
    ensure("told", &told(&messages(&right)), &told(&messages(&left)))?;
    ensure("output", &right.usage.map(|usage| usage.output), &left.usage.map(|usage| usage.output))
}
