//! Requests for tokens and their answers, by the examples of the standards and of the services' documentation.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use postern_wire::grant::google::ServiceAccount;
use postern_wire::grant::oauth::{self, Client, Method};
use postern_wire::grant::{Refusal, bearer, sts};
use postern_wire::sigv4::Signer;
use serde_json::{Value, json};

fn body(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

/// RFC 6749 section 4.4.2 and, for both answers, 5.1 and 5.2.
#[test]
fn client_credentials_are_as_in_the_standard() {
    let client = Client { id: "s6BhdRkqt3", secret: "7Fjfp0ZBr1KtDRbnfVdmIw", method: Method::Basic };
    let request = oauth::client_credentials("https://server.example.com/token", client, None).unwrap();
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri(), "https://server.example.com/token");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    assert!(request.headers()["authorization"].is_sensitive());
    assert_eq!(body(&request), "grant_type=client_credentials");

    let answer = br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600}"#;
    assert_eq!(oauth::read(true, answer).unwrap_err(), Refusal::NoToken, "a type that is not known");
    let answer = br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600}"#;
    let token = oauth::read(true, answer).unwrap();
    assert_eq!((token.text.as_str(), token.lasts), ("2YotnFZFEjr1zCsicMWpAA", 3600));
    assert!(!format!("{token:?}").contains("2Yotn"));
    let error = oauth::read(false, br#"{"error":"invalid_request"}"#).unwrap_err();
    assert_eq!(error, Refusal::Error(Some("invalid_request".to_owned())));
}

/// The text of RFC 6749 appendix B.
#[test]
fn what_forms_encode_is_encoded() {
    let client = Client { id: "a", secret: " %&+\u{a3}\u{20ac}", method: Method::Post };
    let request = oauth::client_credentials("https://h.test/t", client, Some("one two")).unwrap();
    assert!(!request.headers().contains_key("authorization"));
    assert_eq!(
        body(&request),
        "grant_type=client_credentials&client_id=a&client_secret=%20%25%26%2B%C2%A3%E2%82%AC&scope=one%20two"
    );
    let basic = Client { method: Method::Basic, ..client };
    let request = oauth::client_credentials("https://h.test/t", basic, None).unwrap();
    let pair = STANDARD.encode("a:%20%25%26%2B%C2%A3%E2%82%AC");
    assert_eq!(request.headers()["authorization"], format!("Basic {pair}").as_str());
    assert!(!format!("{request:?}{client:?}").contains("%26%2B\u{a3}"));
}

#[test]
fn answers_without_a_token_are_told_by_one_word_at_most() {
    for (answer, code) in [
        (
            r#"{"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found."}"#,
            Some("BXNIM0415E"),
        ),
        (r#"{"error":{"code":401,"message":"secret"}}"#, None),
        (r#"{"error":"the secret was abc"}"#, None),
        (r#"{"error":""}"#, None),
        ("<html>secret</html>", None),
        ("", None),
    ] {
        assert_eq!(
            oauth::read(false, answer.as_bytes()).unwrap_err(),
            Refusal::Error(code.map(str::to_owned)),
            "{answer}"
        );
    }
    let long = format!(r#"{{"error":"{}"}}"#, "a".repeat(65));
    assert_eq!(oauth::read(false, long.as_bytes()).unwrap_err(), Refusal::Error(None));
    for answer in ["", "[]", "{}", r#"{"access_token":" "}"#, r#"{"access_token":1}"#] {
        assert_eq!(oauth::read(true, answer.as_bytes()).unwrap_err(), Refusal::NoToken, "{answer}");
    }
}

#[test]
fn times_are_numbers_or_text_or_left_out() {
    let lasts =
        |said: &str| oauth::read(true, format!(r#"{{"access_token":"a"{said}}}"#).as_bytes()).unwrap().lasts;
    assert_eq!(lasts(r#","expires_in":"3599""#), 3599);
    assert_eq!(lasts(r#","expires_in":-1"#), 600);
    assert_eq!(lasts(""), 600);
}

#[test]
fn addresses_of_token_services_are_urls() {
    for url in ["", "login.test/token", "ftp://login.test", "https://", "https://a b/"] {
        let error = oauth::ibm_api_key(url, "hunter2").unwrap_err().to_string();
        assert!(error.contains("expected a URL") && !error.contains("hunter2"), "{url}: {error}");
    }
    let request = oauth::ibm_api_key("https://iam.cloud.ibm.com/identity/token", "a+b").unwrap();
    assert_eq!(body(&request), "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=a%2Bb");
}

#[test]
fn a_service_account_claims_itself_for_an_hour() {
    let file = json!({
        "type": "service_account", "project_id": "acme", "private_key_id": "k1", "client_email": "a@b.test",
        "private_key": "-----BEGIN PRIVATE KEY-----\nAAEC\nAwQ=\n-----END PRIVATE KEY-----\n",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    let in_base64 = STANDARD.encode(file.to_string());
    let escaped = file.to_string().replace("\\n", "\\\\n");
    for text in [file.to_string(), in_base64, format!("  {file}\n"), escaped] {
        let account = ServiceAccount::read(&text).unwrap();
        assert_eq!((account.project(), account.key()), (Some("acme"), &[0, 1, 2, 3, 4][..]));
        let claim = account.claim(1_767_323_045);
        let parts: Vec<Value> = claim
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0], json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
        assert_eq!(
            parts[1],
            json!({
                "iss": "a@b.test",
                "scope": "https://www.googleapis.com/auth/cloud-platform",
                "aud": "https://oauth2.googleapis.com/token",
                "iat": 1_767_323_045,
                "exp": 1_767_326_645,
            })
        );
        let request = account.request("head.claims", &[255, 254]).unwrap();
        assert_eq!(request.uri(), "https://oauth2.googleapis.com/token");
        assert_eq!(
            body(&request),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=head.claims.__4"
        );
        assert!(!format!("{account:?}").contains("[0, 1"));
    }
}

/// The answer is that of the example in AWS's reference of AssumeRole.
#[test]
fn a_role_is_taken_on() {
    let role = sts::Role {
        arn: "arn:aws:iam::123456789012:role/demo",
        external_id: Some("123ABC"),
        session_name: "testAR",
    };
    let mut request = sts::request(&sts::address("eu-west-1"), role).unwrap();
    assert_eq!(request.uri(), "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(
        body(&request),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo\
         &RoleSessionName=testAR&DurationSeconds=3600&ExternalId=123ABC"
    );
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        session_token: None,
        region: "eu-west-1",
        service: sts::SERVICE,
        now_unix: 1_440_938_160,
    };
    signer.sign(&mut request).unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("/20150830/eu-west-1/sts/aws4_request, "), "{authorization}");
    assert_eq!(sts::address("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn/");

    let answer = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
  <SourceIdentity>DevUser123</SourceIdentity>
    <AssumedRoleUser>
      <AssumedRoleId>ARO123EXAMPLE123:testAR</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/demo/testAR</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>
       AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI=
      </SessionToken>
      <Expiration>2019-11-09T13:34:41Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
</AssumeRoleResponse>"#;
    let keys = sts::read(true, answer.as_bytes()).unwrap();
    assert_eq!(keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(keys.secret_access_key, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY");
    assert!(keys.session_token.starts_with("AQoDYXdzEPT//") && keys.session_token.ends_with("mSEI="));
    assert!(!format!("{keys:?}").contains("wJalr"));
    let error =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>secret</Message></Error></ErrorResponse>";
    assert_eq!(
        sts::read(false, error.as_bytes()).unwrap_err(),
        Refusal::Error(Some("AccessDenied".to_owned()))
    );
    for bad in ["", "<Credentials></Credentials>", "<Credentials><AccessKeyId>a</AccessKeyId></Credentials>"]
    {
        assert_eq!(sts::read(true, bad.as_bytes()).unwrap_err(), Refusal::NoToken);
        assert_eq!(sts::read(false, bad.as_bytes()).unwrap_err(), Refusal::Error(None));
    }
    assert_eq!(sts::read(true, &[0xff]).unwrap_err(), Refusal::NoToken);
}

#[test]
fn a_token_that_no_header_can_carry_is_refused() {
    assert!(bearer("a\nb").is_err());
    let value = bearer("abc").unwrap();
    assert!(value.is_sensitive() && value == "Bearer abc");
}
