//! Any bytes as a caller's request in Gemini's format: reading never panics, what is read survives being written, and a
//! schema in it can be lowered for every target.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postern_wire::chat::Definition;
use postern_wire::dialect::Target;
use postern_wire::dialect::gemini::{decode_count_request, decode_request, encode_request};
use postern_wire::schema::{Rules, lower};

fuzz_target!(|data: &[u8]| {
    let _ = decode_count_request("gemini-2.5-flash", data);
    let Ok(request) = decode_request("gemini-2.5-flash", false, data) else { return };
    let encoded = encode_request(&request, &Target::model("gemini-2.5-flash"));
    if let Err(error) = decode_request("gemini-2.5-flash", false, &encoded.body) {
        panic!("what was written cannot be read: {error}");
    }
    for tool in &request.tools {
        let Definition::Function(function) = &tool.definition else { continue };
        let Some(schema) = &function.parameters else { continue };
        for rules in [
            &Rules::GEMINI_OPENAPI,
            &Rules::GEMINI_JSON,
            &Rules::BEDROCK,
            &Rules::OPENAI_STRICT,
            &Rules::ANTHROPIC_STRICT,
        ] {
            let _ = lower(schema, rules);
        }
    }
});
