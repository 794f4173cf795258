//! Prints what is generated from the route table, as one JSON object: `openapi`, the OpenAPI document. `cargo xtask schema`
//! puts it into its file.

fn main() {
    println!("{}", serde_json::json!({ "openapi": postern_gateway::openapi_document() }));
}
