//! What a request or an answer says, as single facts, so that two tellings of it can be compared whatever their shape.
//!
//! Texts of one speaker are compared as one text, since formats cut and join them differently; everything else one by
//! one. A call and its result are tied by the number of the call, not by its id, which formats make anew.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_wire::chat::{
    Audio, CacheMark, Content, Definition, Logprobs, Message, Part, Request, Response, ResponseFormat, Role,
    Source, ToolCall, ToolResult,
};
use postern_wire::dialect::carried::open;
use serde_json::{Value, json};

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    /// Where, by canonical names: what a loss would name.
    pub(crate) place: String,
    /// What sort of thing.
    pub(crate) what: String,
    pub(crate) value: Value,
}

/// Everything that is said.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) all: Vec<Fact>,
    /// The text of each speaker.
    texts: BTreeMap<&'static str, String>,
    /// The ids of the calls so far.
    calls: Vec<String>,
}

impl Facts {
    pub(crate) fn of_request(request: &Request) -> Self {
        let mut facts = Self::default();
        for (index, message) in request.messages.iter().enumerate() {
            facts.message(message, &format!("messages[{index}]"));
        }
        for (index, tool) in request.tools.iter().enumerate() {
            let at = format!("tools[{index}]");
            match &tool.definition {
                Definition::Function(function) => {
                    facts.add(&at, "function", json!(function.name));
                    facts.some(
                        format!("{at}.description"),
                        "function.description",
                        function.description.as_ref(),
                    );
                    facts.some(
                        format!("{at}.parameters"),
                        "function.parameters",
                        function.parameters.as_ref(),
                    );
                    facts.some(
                        format!("{at}.strict"),
                        "function.strict",
                        function.strict.filter(|on| *on).as_ref(),
                    );
                }
                Definition::Custom { name, description, format } => {
                    facts.add(&at, "custom", json!([name, description, format]));
                }
                Definition::BuiltIn(word) => facts.add(&at, "built-in", json!(word)),
            }
            facts.cache(tool.cache, &at);
        }
        facts.options(request);
        if request.extra.contains_key("additionalModelRequestFields") {
            facts.add("reasoning", "reasoning.in words of the model's maker", Value::Null);
        }
        facts
    }

    pub(crate) fn of_response(response: &Response) -> Self {
        let mut facts = Self::default();
        for choice in &response.choices {
            let at = format!("choices[{}]", choice.index);
            facts.message(&choice.message, &at);
            facts.some(format!("{at}.stop_sequence"), "stop_sequence", choice.stop_sequence.as_ref());
            if let Some(logprobs) = &choice.logprobs {
                facts.logprobs(logprobs, &format!("{at}.logprobs"));
            }
        }
        facts.add("choices", "choices", json!(response.choices.len()));
        facts.some("service_tier".into(), "service_tier", response.service_tier.as_ref());
        facts.some("system_fingerprint".into(), "system_fingerprint", response.system_fingerprint.as_ref());
        if let Some(usage) = response.usage {
            facts.add("usage", "usage.total_input", json!(usage.total_input()));
            facts.add("usage", "usage.total_output", json!(usage.total_output()));
            for (what, count) in [
                ("usage.cache_read", usage.cache_read),
                ("usage.cache_write", usage.cache_write),
                ("usage.cache_write_1h", usage.cache_write_1h),
                ("usage.input_audio", usage.input_audio),
                ("usage.output_audio", usage.output_audio),
                ("usage.reasoning", usage.reasoning),
                ("usage.accepted_prediction", usage.accepted_prediction),
                ("usage.rejected_prediction", usage.rejected_prediction),
            ] {
                facts.some(what.to_owned(), what, Some(&count).filter(|count| **count > 0));
            }
        }
        facts
    }

    fn add(&mut self, place: impl Into<String>, what: &str, value: Value) {
        self.all.push(Fact { place: place.into(), what: what.to_owned(), value });
    }

    fn some<T: Clone + Into<Value>>(&mut self, place: String, what: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.add(place, what, value.clone().into());
        }
    }

    fn text(&mut self, speaker: &'static str, text: &str, at: &str) {
        if !text.trim().is_empty() {
            self.add(at, speaker, json!(text));
            self.texts.entry(speaker).or_default().push_str(text);
        }
    }

    fn cache(&mut self, mark: Option<CacheMark>, at: &str) {
        if let Some(mark) = mark {
            self.add(format!("{at}.cache"), "cache", json!(format!("{:?}", mark.life)));
        }
    }

    fn message(&mut self, message: &Message, at: &str) {
        let speaker = match message.role {
            Role::System | Role::Developer => "text of instructions",
            Role::Assistant => "text of the assistant",
            _ => "text of the user",
        };
        self.some(format!("{at}.name"), "name", message.name.as_ref());
        self.parts(&message.parts, speaker, at);
    }

    fn parts(&mut self, parts: &[Part], speaker: &'static str, at: &str) {
        for (index, part) in parts.iter().enumerate() {
            let at = format!("{at}.content[{index}]");
            self.cache(part.cache, &at);
            self.some(format!("{at}.signature"), "signature", part.signature.as_ref());
            match &part.content {
                Content::Text(text) => {
                    self.text(speaker, &text.text, &at);
                    for each in &text.annotations {
                        let place = format!("{at}.annotations");
                        let what =
                            if each.url.is_some() { "address of a source" } else { "document as a source" };
                        self.add(&place, what, json!([each.url, each.title, each.file_id, each.document]));
                        self.some(place, "quote of a source", each.quote.as_ref());
                    }
                }
                Content::Refusal(text) => self.text("text of the assistant", text, &at),
                Content::Image(image) => {
                    self.source("image", &image.source, &at);
                    self.some(format!("{at}.detail"), "detail", image.detail.as_ref());
                }
                Content::Audio(audio) => self.audio(audio, &at),
                Content::Video(source) => self.source("video", source, &at),
                Content::File(file) => {
                    self.source("file", &file.source, &at);
                    self.some(format!("{at}.name"), "file.name", file.name.as_ref());
                }
                Content::Reasoning(reasoning) => {
                    self.text("text of reasoning", &reasoning.text, &at);
                    self.some(at, "reasoning.data", reasoning.data.as_ref());
                }
                Content::ToolCall(call) => self.call(call, &at),
                Content::ToolResult(result) => self.result(result, &at),
                Content::Other(word) => self.add(at, "other part", json!(word)),
            }
        }
    }

    fn source(&mut self, what: &str, source: &Source, at: &str) {
        let said = match source {
            Source::Url(url) => json!(["url", url]),
            Source::Base64 { media_type, data } => json!(["base64", media_type, data]),
            Source::FileId(id) => json!(["file", id]),
            Source::Text(text) => json!(["text", text]),
        };
        self.add(at, what, said);
    }

    fn audio(&mut self, audio: &Audio, at: &str) {
        self.some(at.to_owned(), "audio", audio.data.as_ref());
        self.some(at.to_owned(), "audio.id", audio.id.as_ref());
        self.some(at.to_owned(), "audio.format", audio.format.as_ref());
        self.some(format!("{at}.transcript"), "audio.transcript", audio.transcript.as_ref());
    }

    fn call(&mut self, call: &ToolCall, at: &str) {
        // Arguments that are JSON may be written with other white space where they are an object on the wire.
        let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
        self.add(at, "call", json!([self.calls.len(), call.name, format!("{:?}", call.kind), arguments]));
        // A signature may travel inside the id.
        let (id, signature) = open(call.id.as_deref().unwrap_or_default());
        self.some(format!("{at}.signature"), "signature", signature.as_ref());
        self.calls.push(id);
    }

    fn result(&mut self, result: &ToolResult, at: &str) {
        let (id, _) = open(result.call_id.as_deref().unwrap_or_default());
        let call = self.calls.iter().position(|known| *known == id);
        self.add(at, "result of call", json!(call));
        if result.is_error {
            self.add(at, "failed result of call", json!(call));
        }
        self.parts(&result.parts, "text of results", at);
    }

    fn logprobs(&mut self, logprobs: &Logprobs, at: &str) {
        for token in logprobs.content.iter().chain(&logprobs.refusal).flatten() {
            let top: Vec<_> = token.top.iter().flatten().map(|top| json!([top.token, top.logprob])).collect();
            self.add(at, "logprob", json!([token.token, token.logprob]));
            if !top.is_empty() {
                self.add(at, "top logprobs", json!(top));
            }
        }
    }

    fn options(&mut self, request: &Request) {
        let sampling = &request.sampling;
        for (what, number) in [
            ("sampling.temperature", &sampling.temperature),
            ("sampling.top_p", &sampling.top_p),
            ("sampling.top_k", &sampling.top_k),
            ("sampling.frequency_penalty", &sampling.frequency_penalty),
            ("sampling.presence_penalty", &sampling.presence_penalty),
            ("sampling.seed", &sampling.seed),
        ] {
            self.some(what.to_owned(), what, number.as_ref());
        }
        self.some("sampling.logit_bias".into(), "sampling.logit_bias", sampling.logit_bias.as_ref());
        self.some("tool_choice".into(), "tool_choice", said(&request.tool_choice).as_ref());
        self.some("parallel_tool_calls".into(), "parallel_tool_calls", request.parallel_tool_calls.as_ref());
        match &request.response_format {
            None | Some(ResponseFormat::Text) => {}
            Some(ResponseFormat::JsonSchema(schema)) => {
                self.some("response_format".into(), "response_format.schema", schema.schema.as_ref());
                self.some("response_format.name".into(), "response_format.name", schema.name.as_ref());
                let description = schema.description.as_ref();
                self.some("response_format.description".into(), "response_format.description", description);
                self.some("response_format.strict".into(), "response_format.strict", schema.strict.as_ref());
            }
            Some(other) => self.add("response_format", "response_format", json!(format!("{other:?}"))),
        }
        let stop: Vec<&String> = request.stop.iter().flat_map(postern_wire::chat::Stop::as_slice).collect();
        if !stop.is_empty() {
            self.add("stop", "stop", json!(stop));
        }
        self.some("n".into(), "n", request.n.filter(|n| *n > 1).as_ref());
        self.some(
            "output_limit".into(),
            "output_limit",
            request.output_limit.map(|limit| limit.tokens).as_ref(),
        );
        self.some("logprobs".into(), "logprobs", request.logprobs.filter(|on| *on).as_ref());
        self.some("top_logprobs".into(), "top_logprobs", request.top_logprobs.as_ref());
        if let Some(asked) = &request.reasoning {
            let effort = asked.effort.as_ref().map(|effort| effort.as_str().to_owned());
            self.some("reasoning.effort".into(), "reasoning.effort", effort.as_ref());
            self.some("reasoning.budget".into(), "reasoning.budget", asked.budget.as_ref());
            self.some("reasoning.enabled".into(), "reasoning.enabled", asked.enabled.as_ref());
            self.some("reasoning.shown".into(), "reasoning.shown", asked.shown.as_ref());
        }
        self.some("modalities".into(), "modalities", request.modalities.as_ref());
        self.some("audio".into(), "audio output", said(&request.audio).as_ref());
        if let Some(prediction) = &request.prediction {
            self.add("prediction", "prediction", json!(format!("{:?}", prediction.parts)));
        }
        for (what, word) in [
            ("service_tier", &request.service_tier),
            ("user", &request.user),
            ("prompt_cache_key", &request.prompt_cache_key),
            ("prompt_cache_retention", &request.prompt_cache_retention),
            ("safety_identifier", &request.safety_identifier),
            ("verbosity", &request.verbosity),
        ] {
            self.some(what.to_owned(), what, word.as_ref());
        }
        self.some("metadata".into(), "metadata", request.metadata.as_ref());
        self.some("store".into(), "store", request.store.as_ref());
        self.some("web_search".into(), "web_search", said(&request.web_search).as_ref());
    }

    /// The facts of another telling that are not said here.
    pub(crate) fn missing<'a>(&self, other: &'a Self) -> Vec<&'a Fact> {
        let mut here: Vec<&Fact> = self.all.iter().collect();
        other.all.iter().filter(|fact| !self.says(fact, &mut here)).collect()
    }

    fn says(&self, fact: &Fact, here: &mut Vec<&Fact>) -> bool {
        if let Some(text) = fact.value.as_str().filter(|_| fact.what.starts_with("text of")) {
            return self.texts.get(fact.what.as_str()).is_some_and(|all| all.contains(text));
        }
        let found = here.iter().position(|mine| mine.what == fact.what && mine.value == fact.value);
        found.map(|index| here.swap_remove(index)).is_some()
    }

    /// Whether anything of a sort is said.
    pub(crate) fn any(&self, what: &str) -> bool {
        self.all.iter().any(|fact| fact.what == what)
    }

    /// Whether a call of a tool is told with what it is given, in any form.
    pub(crate) fn calls_like(&self, call: &Value) -> bool {
        let nothing = call[3] == "" || call[3] == json!({});
        self.all.iter().filter(|fact| fact.what == "call" && fact.value[1] == call[1]).any(|fact| {
            let told = &fact.value[3];
            let wrapped = ["input", "arguments"].iter().any(|field| told.get(field) == Some(&call[3]));
            *told == call[3] || wrapped || (nothing && (*told == "" || *told == json!({})))
        })
    }

    /// Whether a document of plain text is told in base64 or as a text of the user's.
    pub(crate) fn documents_hold(&self, document: &Value) -> bool {
        let text = document[1].as_str().unwrap_or_default();
        let encoded = STANDARD.encode(text);
        self.anyone_says(text)
            || self.all.iter().any(|fact| fact.what == "file" && fact.value[2] == encoded.as_str())
    }

    /// Whether anything is asked of the model's reasoning.
    pub(crate) fn any_of_reasoning(&self) -> bool {
        self.all.iter().any(|fact| fact.what.starts_with("reasoning.") && fact.what != "reasoning.data")
    }

    /// Whether a text is said by anybody.
    pub(crate) fn anyone_says(&self, text: &str) -> bool {
        self.texts.values().any(|all| all.contains(text))
    }
}

fn said<T: std::fmt::Debug>(value: &Option<T>) -> Option<String> {
    value.as_ref().map(|value| format!("{value:?}"))
}
