//! Tests of files: what is told on which line.

use serde_json::{Value, json};

use super::{Document, load};

/// The document of the product's description, to the letter.
const EXAMPLE: &str = "\
providers:
  openai:    { kind: openai, api_key: ${OPENAI_API_KEY} }
  anthropic: { kind: anthropic, api_key: ${ANTHROPIC_API_KEY} }
  local:     { kind: openai, base_url: http://127.0.0.1:11434/v1 }

models:
  assistant:
    strategy: weighted
    targets:
      - { provider: openai, model: gpt-4o-mini, weight: 90 }
      - { provider: anthropic, model: claude-haiku-4-5, weight: 10 }
    retry: { attempts: 2 }               # tries on one target, the first included
    timeout: { connect: 5s, first_token: 30s, idle: 60s, total: 10m }
    fallback: [local-llama]
    cache: { ttl: 1h }
  local-llama:
    targets: [{ provider: local, model: llama3.2 }]

server: { max_body: 32MiB }
";

fn value(text: &str) -> Value {
    Document::parse("f.yaml", text).unwrap_or_else(|problem| panic!("{problem}")).value
}

/// The problems of a file, whether it can be read or not.
fn problems(file: &str, text: &str) -> Vec<String> {
    match Document::parse(file, text) {
        Err(problem) => vec![problem],
        Ok(document) => document.check().err().unwrap_or_default(),
    }
}

#[test]
fn the_example_of_the_product_is_read_to_the_letter() {
    let loaded = Document::parse("example.yaml", EXAMPLE).unwrap().check().unwrap();
    assert_eq!(loaded.value["providers"]["openai"]["api_key"], "${OPENAI_API_KEY}");
    assert_eq!(loaded.value["models"]["assistant"]["targets"][0]["weight"], 90);
    let models: Vec<_> = loaded.config.models.keys().collect();
    assert_eq!(models, ["assistant", "local-llama"]);
    assert_eq!(
        loaded.warnings,
        [
            "example.yaml:15: warning: models.assistant.cache: this version of Postern does not cache answers yet: the \
          setting has no effect"
        ]
    );
}

#[test]
fn every_problem_has_its_line_in_the_order_of_the_file() {
    let text = "\
providers:
  openai: { kind: opnai }
  local:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    heders: {}
models:
  gpt-4.1:
    targets:
      - provider: local
        model: x
        weight: many
      - { provider: lokal, model: y }
    timeout:
      connect: 5
  empty: {}
srever: {}
";
    assert_eq!(
        problems("p.yaml", text),
        [
            "p.yaml:2: providers.openai.kind: unknown kind \"opnai\" (did you mean \"openai\"?)",
            "p.yaml:6: providers.local.heders: unknown key (did you mean \"headers\"?)",
            "p.yaml:12: models.\"gpt-4.1\".targets[0].weight: expected a whole number from 0 to 1000000, found the text \
             \"many\"",
            "p.yaml:13: models.\"gpt-4.1\".targets[1].provider: there is no provider \"lokal\" (did you mean \"local\"?)",
            "p.yaml:15: models.\"gpt-4.1\".timeout.connect: expected a duration such as 250ms, 30s, 10m or 1h, found the \
             number 5 (did you mean \"5s\"?)",
            "p.yaml:16: models.empty.targets: is required",
            "p.yaml:17: srever: unknown key (did you mean \"server\"?)",
        ]
    );
}

#[test]
fn references_stand_anywhere() {
    let text = "a: ${A}\nb: [x${B}y, \"${C} d\", '${D}']\nc: { ${E}: f }\n# ${F\nd: |\n  ${G}\n";
    assert_eq!(
        value(text),
        json!({ "a": "${A}", "b": ["x${B}y", "${C} d", "${D}"], "c": { "${E}": "f" }, "d": "${G}\n" })
    );
    // A character that the stand-ins for braces would be taken from stays what it is.
    assert_eq!(value("a: \u{e000}${A}\u{e001}"), json!({ "a": "\u{e000}${A}\u{e001}" }));
}

#[test]
fn a_reference_with_a_bad_name_is_told_as_such() {
    let text = "providers:\n  up: { kind: openai, api_key: ${MY-KEY} }\n";
    assert_eq!(
        problems("p.yaml", text),
        [
            "p.yaml:2: providers.up.api_key: \"MY-KEY\" is not the name of a secret: letters, digits and `_`, not starting \
          with a digit"
        ]
    );
}

#[test]
fn plain_text_has_the_types_of_yaml_1_2() {
    let text = "[1, -2, +3, 0x1F, 0o17, 1.5, .5, 1e3, true, False, null, ~, yes, on, 1_000, 1.2.3, 012, '1', !!str 2, \
                2026-01-31, 18446744073709551615]";
    assert_eq!(
        value(text),
        json!([
            1,
            -2,
            3,
            31,
            15,
            1.5,
            0.5,
            1000.0,
            true,
            false,
            null,
            null,
            "yes",
            "on",
            "1_000",
            "1.2.3",
            12,
            "1",
            "2",
            "2026-01-31",
            18_446_744_073_709_551_615_u64
        ])
    );
}

#[test]
fn keys_are_text_whatever_they_look_like() {
    assert_eq!(value("1: a\ntrue: b\n'null': c"), json!({ "1": "a", "true": "b", "null": "c" }));
    assert_eq!(problems("k.yaml", "a: 1\n? [b]\n: 2"), ["k.yaml:2: a key must be text"]);
    assert_eq!(problems("k.yaml", "a: 1\n~: 2"), ["k.yaml:2: a key must be text"]);
}

#[test]
fn anchors_and_aliases() {
    let text = "a: &limits { connect: 1s }\nb: *limits\nc: [&n 5, *n]\n";
    assert_eq!(value(text), json!({ "a": { "connect": "1s" }, "b": { "connect": "1s" }, "c": [5, 5] }));
}

#[test]
fn problems_inside_an_alias_are_on_its_line() {
    let text = "\
providers: { up: { kind: demo } }
models:
  a: { targets: [{ provider: up, model: x }], retry: &r { attempts: 0 } }
  b:
    targets: [{ provider: up, model: x }]
    retry: *r
";
    let attempts = "retry.attempts: expected a whole number from 1 to 10, found the number 0";
    assert_eq!(
        problems("a.yaml", text),
        [format!("a.yaml:3: models.a.{attempts}"), format!("a.yaml:6: models.b.{attempts}")]
    );
}

#[test]
fn aliases_of_aliases_are_bounded() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    assert_eq!(
        problems("bomb.yaml", &text),
        ["bomb.yaml:6: with its aliases expanded, the document is too large"]
    );
}

#[test]
fn an_alias_inside_of_what_it_names() {
    assert_eq!(
        problems("a.yaml", "a: 1\nb: &b [*b]\n"),
        ["a.yaml:2: an alias stands inside the value that it names"]
    );
}

#[test]
fn an_alias_of_nothing() {
    let told = problems("a.yaml", "a: 1\nb: *c\n");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("a.yaml:2: not valid YAML at column 4: "), "{told:?}");
}

#[test]
fn depth_is_bounded() {
    let deep = |levels: usize| format!("a: {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(Document::parse("d.yaml", &deep(60)).is_ok());
    assert_eq!(problems("d.yaml", &deep(100)), ["d.yaml:1: more than 64 levels deep"]);
    assert_eq!(problems("d.yaml", &deep(100_000)).len(), 1);
}

#[test]
fn a_key_given_twice() {
    let text =
        "providers:\n  up: { kind: demo }\n  two: { kind: demo, kind: openai }\n  up: { kind: openai }\n";
    assert_eq!(
        problems("t.yaml", text),
        [
            "t.yaml:3: providers.two.kind: is given twice; the first is on line 3",
            "t.yaml:4: providers.up: is given twice; the first is on line 2",
        ]
    );
}

#[test]
fn merging_maps() {
    let text = "providers:\n  a: &a { kind: demo }\n  b:\n    <<: *a\n    kind: demo\n";
    assert_eq!(
        problems("m.yaml", text),
        ["m.yaml:4: providers.b.<<: merging with `<<` is not part of YAML 1.2; repeat the keys, or give a whole value an \
          alias"
            .replace("b.<<", "b.\"<<\"")]
    );
}

#[test]
fn tags_and_what_is_no_number() {
    let told = problems("t.yaml", "providers: { up: { kind: !vendor demo } }\nserver: { max_body: .inf }\n");
    assert_eq!(
        told[0],
        "t.yaml:1: providers.up.kind: has a tag (`!...`), which means nothing here: leave it out"
    );
    assert_eq!(told[1], "t.yaml:2: server.max_body: is not a number that can be used here");
}

#[test]
fn a_second_document() {
    assert_eq!(
        problems("two.yaml", "providers: { up: { kind: demo } }\n---\na: 1\n"),
        ["two.yaml:2: a second document starts here: a configuration is one document"]
    );
}

#[test]
fn an_empty_file() {
    for text in ["", "\n\n", "# nothing\n"] {
        assert_eq!(
            problems("e.yaml", text),
            ["e.yaml:1: the file is empty: a configuration has at least `providers`"]
        );
    }
}

#[test]
fn text_that_is_not_yaml() {
    for (text, line) in
        [("a: 1\nb: [1, 2\nc: 3\n", 3), ("a: 1\n b: 2\n", 2), ("b: 1\na: 'x\n", 2), ("a:\n\tb: 1\n", 2)]
    {
        let told = problems("bad.yaml", text);
        assert_eq!(told.len(), 1, "{text:?}");
        assert!(told[0].starts_with(&format!("bad.yaml:{line}: not valid YAML at column ")), "{told:?}");
    }
}

#[test]
fn json_files_have_lines_too() {
    let text = "{\n\t\"providers\": {\n\t\t\"up\": {\"kind\": \"opnai\", \"headers\": {\"x\": \"\\ud83d\\ude00\"}}\n\t}\n}\n";
    let told = problems("c.json", &text.replace("\\ud83d\\ude00", "y"));
    assert_eq!(told, ["c.json:3: providers.up.kind: unknown kind \"opnai\" (did you mean \"openai\"?)"]);
    let document = Document::parse("c.json", text).unwrap();
    assert_eq!(document.value["providers"]["up"]["headers"]["x"], "\u{1f600}");
    assert_eq!(
        problems("c.json", "{\"providers\": {\"up\": {\"kind\": \"demo\"},\n \"up\": {\"kind\": \"demo\"}}}"),
        ["c.json:2: providers.up: is given twice; the first is on line 1"]
    );
}

#[test]
fn text_that_is_not_json() {
    assert_eq!(
        problems("c.json", "{\n  \"providers\": {},\n}\n"),
        ["c.json:3: not valid JSON at column 1: trailing comma"]
    );
    assert_eq!(problems("c.json", "providers: {}"), ["c.json:1: not valid JSON at column 1: expected value"]);
}

#[test]
fn files_that_cannot_be_read() {
    let directory = std::env::temp_dir().join(format!("postern-document-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("c.yaml");
    let told = |path: &std::path::Path| load(path).err().unwrap().join("\n");
    assert_eq!(told(&file), format!("{}: there is no such file", file.display()));
    assert_eq!(told(&directory), format!("{}: this is a directory, expected a file", directory.display()));
    std::fs::write(&file, b"providers:\n  up: \xff\n").unwrap();
    assert_eq!(told(&file), format!("{}:2: not UTF-8 text: save the file as UTF-8", file.display()));
    std::fs::write(&file, "\u{feff}providers: { up: { kind: demo } }\r\nmodels: {}\r\n").unwrap();
    assert_eq!(load(&file).unwrap().config.providers.len(), 1);
    std::fs::write(&file, " ".repeat((8 << 20) + 1)).unwrap();
    assert_eq!(told(&file), format!("{}: larger than 8 MiB, which no configuration is", file.display()));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn the_example_of_the_documentation_is_sound() {
    let documentation = include_str!("../../../../docs/configuration.md");
    let (_, rest) = documentation.split_once("## An example\n\n```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let loaded = Document::parse("example.yaml", example).unwrap().check().unwrap();
    assert_eq!(loaded.warnings, [""; 0]);
    assert_eq!(loaded.config.models.get("assistant").unwrap().fallback.len(), 2);
}

#[test]
fn the_examples_of_classic_models_are_sound() {
    let documentation = include_str!("../../../../docs/classic-models.md");
    let examples: Vec<&str> =
        documentation.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let loaded = Document::parse("example.yaml", example).unwrap().check().unwrap();
        assert_eq!(loaded.warnings, [""; 0], "{example}");
    }
}
