use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30 12:36:00, the time of AWS's examples.
const NOW: u64 = 1_440_938_160;

fn signer<'a>(service: &'a str, region: &'a str) -> Signer<'a> {
    Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        session_token: None,
        region,
        service,
        now_unix: NOW,
    }
}

fn signed<'a>(signer: Signer<'_>, request: http::request::Builder, body: &'a str) -> Request<&'a str> {
    let mut request = request.body(body).unwrap();
    signer.sign(&mut request).unwrap();
    request
}

fn authorization<B>(request: &Request<B>) -> &str {
    request.headers()["authorization"].to_str().unwrap()
}

fn signature<B>(request: &Request<B>) -> &str {
    authorization(request).rsplit_once("Signature=").unwrap().1
}

/// The example in AWS's documentation.
#[test]
fn the_documented_example_has_its_documented_signature() {
    let request = Request::get("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08")
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let request = signed(signer("iam", "us-east-1"), request, "");
    assert_eq!(
        authorization(&request),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
    assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
}

/// Cases of AWS's signature test suite, by their names there.
#[test]
fn cases_of_the_published_suite_hold() {
    let of = |request: http::request::Builder, body| {
        signature(&signed(signer("service", "us-east-1"), request, body)).to_owned()
    };
    let get = |path: &str| Request::get(format!("https://example.amazonaws.com{path}"));
    let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert_eq!(of(get("/"), ""), vanilla, "get-vanilla");
    assert_eq!(of(get("/./"), ""), vanilla, "get-slash-dot-slash");
    assert_eq!(of(get("//"), ""), vanilla, "get-slash");
    assert_eq!(of(get("/example/.."), ""), vanilla, "get-relative");
    assert_eq!(
        of(get("/?Param2=value2&Param1=value1"), ""),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        "get-vanilla-query-order-key-case"
    );
    let form = Request::post("https://example.amazonaws.com/")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        of(form, "Param1=value1"),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        "post-x-www-form-urlencoded"
    );
    let spaced = get("/").header("my-header1", " value1").header("my-header2", " \"a   b   c\"");
    assert_eq!(
        of(spaced, ""),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        "get-header-value-trim"
    );
    let many = ["value4", "value1", "value3", "value2"];
    let many = many.iter().fold(get("/"), |request, value| request.header("my-header1", *value));
    assert_eq!(
        of(many, ""),
        "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        "get-header-value-order"
    );
}

/// The expected values are those of AWS's SDK for Python.
#[test]
fn calls_of_bedrock_are_signed_as_aws_does() {
    let post = |path: &str| {
        Request::post(format!("https://bedrock-runtime.eu-west-1.amazonaws.com{path}"))
            .header("content-type", "application/json")
    };
    let bedrock = signer("bedrock", "eu-west-1");
    let with_token = Signer { session_token: Some("a/session+token=="), ..bedrock };
    let encoded = post("/model/eu.anthropic.claude%3A0/converse-stream");
    assert_eq!(
        signature(&signed(with_token, encoded, r#"{"messages":[]}"#)),
        "f5ff8b1d5123398cfe364766313bb265223e731d71f51303ff113ebe1672ee06"
    );
    let bare = post("/model/eu.anthropic.claude:0/converse").header("x-amz-note", "  two   words ");
    assert_eq!(
        signature(&signed(bedrock, bare, r#"{"messages":[]}"#)),
        "985b48237c981f1cca3dc0157235dc74fa65eebf419b5519e34766f3da0f5ff9"
    );
}

#[test]
fn paths_are_encoded_as_they_were_sent() {
    assert_eq!(canonical_path("/model/a%3A0/converse"), "/model/a%253A0/converse");
    assert_eq!(canonical_path("/model/a:0/converse"), "/model/a%3A0/converse");
    assert_eq!(canonical_path("/a/./b/../c//d%20e/"), "/a/c/d%2520e/");
    assert_eq!(canonical_path("/../.."), "/");
    assert_eq!(canonical_path(""), "/");
}

#[test]
fn parameters_are_sorted_by_name_then_value_and_encoded_once() {
    let query = "b=2&a=%2F&a=1&c&B=%7E&x=%e4&d=a+b";
    assert_eq!(canonical_query(Some(query)), "B=~&a=%2F&a=1&b=2&c=&d=a%2Bb&x=%E4");
    assert_eq!(canonical_query(None), "");
}

#[test]
fn the_host_is_what_a_client_sends() {
    let of = |uri: &str| host(&uri.parse().unwrap());
    assert_eq!(of("https://a.com:443/"), Some("a.com".to_owned()));
    assert_eq!(of("http://a.com:80/"), Some("a.com".to_owned()));
    assert_eq!(of("http://a.com:443/"), Some("a.com:443".to_owned()));
    assert_eq!(of("https://user@a.com:8443/"), Some("a.com:8443".to_owned()));
    assert_eq!(of("/path"), None);
    let mut request = Request::get("/").body("").unwrap();
    assert_eq!(signer("s", "r").sign(&mut request), Err(SignError::NoHost));
    let named = signed(signer("s", "r"), Request::get("/").header("host", "a.com"), "");
    let addressed = signed(signer("s", "r"), Request::get("https://a.com:443/"), "");
    assert_eq!(signature(&named), signature(&addressed));
}

#[test]
fn what_changes_on_the_way_is_not_signed_and_signing_again_changes_nothing() {
    let plain = signed(signer("s", "r"), Request::get("https://a.com/"), "");
    let mut marked = signed(
        signer("s", "r"),
        Request::get("https://a.com/").header("user-agent", "x").header("content-length", "0"),
        "",
    );
    assert_eq!(signature(&plain), signature(&marked));
    marked.headers_mut().insert(TOKEN, HeaderValue::from_static("an older token"));
    signer("s", "r").sign(&mut marked).unwrap();
    assert_eq!(authorization(&plain), authorization(&marked));
}

#[test]
fn the_body_is_signed_or_what_is_said_of_it() {
    let of = |body| signature(&signed(signer("s", "r"), Request::post("https://a.com/"), body)).to_owned();
    assert_ne!(of("a"), of("b"));
    let of = |body| {
        let request = Request::post("https://a.com/").header(BODY_HASH, "UNSIGNED-PAYLOAD");
        signature(&signed(signer("s", "r"), request, body)).to_owned()
    };
    assert_eq!(of("a"), of("b"));
}

#[test]
fn secrets_are_not_shown() {
    let with_token = Signer { session_token: Some("the-token"), ..signer("s", "r") };
    let request = signed(with_token, Request::get("https://a.com/"), "");
    let shown = format!("{request:?}");
    assert!(!shown.contains("the-token") && !shown.contains(signature(&request)), "{shown}");
    let broken = Signer { session_token: Some("a\nb"), ..signer("s", "r") };
    let mut request = Request::get("https://a.com/").body("").unwrap();
    assert_eq!(broken.sign(&mut request), Err(SignError::Header));
}

#[test]
fn times_are_written_as_aws_wants_them() {
    for (seconds, text) in [
        (0, "19700101T000000Z"),
        (951_782_399, "20000228T235959Z"),
        (951_782_400, "20000229T000000Z"),
        (1_078_012_800, "20040229T000000Z"),
        (4_107_542_399, "21000228T235959Z"),
        (4_107_542_400, "21000301T000000Z"),
        (1_798_761_599, "20261231T235959Z"),
    ] {
        assert_eq!(timestamp(seconds), text);
    }
}

/// The expected values are those of AWS's SDK for Python.
#[test]
fn calls_of_services_that_speak_json_are_signed_as_aws_does() {
    let with_token = "c5da77a7d95f3496ba4606e0e8959063276785874000b9103381252dc4ddbd60";
    let without = "0f433fbdae42ca1a59d6c1ba612825e32ea580f458973415faa6f5b9bb1111c6";
    for (session_token, expected) in [(None, without), (Some("a/session+token=="), with_token)] {
        let request = Request::post("https://dynamodb.eu-west-1.amazonaws.com/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.PutItem");
        // 2026-01-02 03:04:05.
        let dynamodb = Signer { session_token, now_unix: 1_767_323_045, ..signer("dynamodb", "eu-west-1") };
        let request = signed(dynamodb, request, r#"{"a":1}"#);
        assert_eq!(signature(&request), expected);
        assert!(authorization(&request).contains("SignedHeaders=content-type;host;x-amz-date;"));
    }
}
