//! Probes of what is asked beside the conversation: tools, forms of answers, settings.

use postern_wire::chat::{
    AudioOutput, Definition, Effort, Function, OutputLimit, Part, Prediction, ReasoningRequest, Request,
    ResponseFormat, Schema, Shape, Stop, Tool, ToolChoice, WebSearch,
};
use serde_json::{Map, Number, Value, json};

use super::{Probe, question};

/// A tool.
pub(super) fn weather() -> Tool {
    tool(json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false}))
}

fn tool(parameters: Value) -> Tool {
    let function =
        Function { name: "weather".to_owned(), parameters: Some(parameters), ..Function::default() };
    Tool { definition: Definition::Function(function), cache: None, extra: Map::new() }
}

fn with(change: impl FnOnce(&mut Request)) -> Request {
    let mut request = question();
    change(&mut request);
    request
}

fn with_tools(change: impl FnOnce(&mut Request)) -> Request {
    with(|request| {
        let mut other = weather();
        if let Definition::Function(function) = &mut other.definition {
            function.name = "news".to_owned();
        }
        request.tools = vec![weather(), other];
        change(request);
    })
}

fn number(value: f64) -> Option<Number> {
    Number::from_f64(value)
}

fn text(word: &str) -> Option<String> {
    Some(word.to_owned())
}

fn reasoning(change: impl FnOnce(&mut ReasoningRequest)) -> Request {
    let mut asked = ReasoningRequest::default();
    change(&mut asked);
    with(|request| request.reasoning = Some(asked))
}

pub(super) fn probes() -> Vec<Probe> {
    tools().into_iter().chain(forms()).chain(settings()).collect()
}

fn tools() -> Vec<Probe> {
    let rich = json!({"type": "object", "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string",
        "minLength": 1}}}}, "properties": {"to": {"$ref": "#/$defs/place"}, "class": {"const": "economy"},
        "seats": {"type": "integer", "exclusiveMaximum": 10, "default": 1}}});
    let strict = with_tools(|request| {
        for tool in &mut request.tools {
            if let Definition::Function(function) = &mut tool.definition {
                function.strict = Some(true);
            }
        }
    });
    let custom = with(|request| {
        let definition = Definition::Custom {
            name: "shell".to_owned(),
            description: text("Runs a command"),
            format: None,
        };
        request.tools = vec![Tool { definition, cache: None, extra: Map::new() }];
    });
    let allowed = ToolChoice::Allowed {
        required: true,
        tools: vec![json!({"type": "function", "function": {"name": "weather"}})],
    };
    vec![
        ("tools", with_tools(|_| {})),
        ("a tool with a rich schema", with(|request| request.tools = vec![tool(rich)])),
        ("tools that keep to their schema (`strict`)", strict),
        ("a tool that takes free text", custom),
        ("no tool may be called", with_tools(|request| request.tool_choice = Some(ToolChoice::None))),
        ("some tool must be called", with_tools(|request| request.tool_choice = Some(ToolChoice::Required))),
        (
            "one tool must be called",
            with_tools(|request| request.tool_choice = Some(ToolChoice::Function("weather".to_owned()))),
        ),
        ("one of some tools must be called", with_tools(|request| request.tool_choice = Some(allowed))),
        ("one tool at a time", with_tools(|request| request.parallel_tool_calls = Some(false))),
        ("a search of the web", with(|request| request.web_search = Some(WebSearch::default()))),
    ]
}

fn forms() -> Vec<Probe> {
    let schema = Schema {
        name: text("person"),
        schema: Some(
            json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"],
            "additionalProperties": false}),
        ),
        strict: Some(true),
        ..Schema::default()
    };
    let spoken = with(|request| {
        request.modalities = Some(vec!["text".to_owned(), "audio".to_owned()]);
        request.audio =
            Some(AudioOutput { voice: Some("alloy".into()), format: text("pcm16"), ..<_>::default() });
    });
    let prediction =
        Prediction { parts: vec![Part::text("let x = 1;")], shape: Shape::Text, ..<_>::default() };
    vec![
        ("an answer in JSON", with(|request| request.response_format = Some(ResponseFormat::JsonObject))),
        (
            "an answer by a JSON Schema",
            with(|request| request.response_format = Some(ResponseFormat::JsonSchema(schema))),
        ),
        ("a spoken answer", spoken),
        ("several answers (`n`)", with(|request| request.n = Some(2))),
        (
            "a limit of the answer",
            with(|request| request.output_limit = Some(OutputLimit { tokens: 100, legacy: false })),
        ),
        ("stop sequences", with(|request| request.stop = Some(Stop::Many(vec!["END".to_owned()])))),
        ("probabilities of tokens", with(|request| request.logprobs = Some(true))),
        (
            "probabilities of other tokens",
            with(|request| {
                request.logprobs = Some(true);
                request.top_logprobs = Some(2);
            }),
        ),
        ("a predicted answer", with(|request| request.prediction = Some(prediction))),
        ("how wordy to be", with(|request| request.verbosity = text("low"))),
        ("reasoning by an effort", reasoning(|asked| asked.effort = Some(Effort::Medium))),
        (
            "reasoning by a budget",
            reasoning(|asked| {
                asked.enabled = Some(true);
                asked.budget = Some(4_000);
            }),
        ),
        ("no reasoning", reasoning(|asked| asked.effort = Some(Effort::None))),
    ]
}

fn settings() -> Vec<Probe> {
    let bias = Map::from_iter([("50256".to_owned(), json!(-100))]);
    let notes = Map::from_iter([("team".to_owned(), json!("blue"))]);
    vec![
        ("temperature up to 1", with(|request| request.sampling.temperature = number(0.5))),
        ("temperature up to 2", with(|request| request.sampling.temperature = number(1.7))),
        ("`top_p`", with(|request| request.sampling.top_p = number(0.9))),
        ("`top_k`", with(|request| request.sampling.top_k = Some(40.into()))),
        (
            "penalties",
            with(|request| {
                request.sampling.frequency_penalty = number(0.1);
                request.sampling.presence_penalty = number(0.1);
            }),
        ),
        ("a seed", with(|request| request.sampling.seed = Some(7.into()))),
        ("a bias on tokens", with(|request| request.sampling.logit_bias = Some(bias))),
        ("service tier `flex`", with(|request| request.service_tier = text("flex"))),
        ("service tier `priority`", with(|request| request.service_tier = text("priority"))),
        ("the person's id", with(|request| request.user = text("u-1"))),
        ("notes (`metadata`)", with(|request| request.metadata = Some(notes))),
        ("whether to keep the answer", with(|request| request.store = Some(true))),
        ("a key for the cache", with(|request| request.prompt_cache_key = text("k-1"))),
        ("an id against abuse", with(|request| request.safety_identifier = text("s-1"))),
    ]
}
