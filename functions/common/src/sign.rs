//! Signatures by the cryptography that TLS brings along.

use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

/// Signs with RSASSA-PKCS1-v1_5 and SHA-256. `pkcs8` is a private key in DER of 2048 bits or more; `None` if it is none.
#[must_use]
pub fn sign_rs256(pkcs8: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
    Some(signature)
}
