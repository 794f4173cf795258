//! Signatures by the cryptography that TLS brings along.

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

/// Signs with RSASSA-PKCS1-v1_5 and SHA-256. `pkcs8` is a private key in DER of 2048 bits or more; `None` if it is none.
#[must_use]
pub fn sign_rs256(pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use postern_testkit::authority::PRIVATE_KEY;

    use super::*;

    /// The example of RFC 7515, appendix A.2.
    #[test]
    fn the_example_of_the_standard_has_its_signature() {
        let inner: String = PRIVATE_KEY.lines().filter(|line| !line.starts_with('-')).collect();
        let key = STANDARD.decode(inner).unwrap();
        let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = sign_rs256(&key, message.as_bytes()).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
        assert_eq!(sign_rs256(b"no key", message.as_bytes()), None);
    }
}
