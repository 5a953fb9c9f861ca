//! Seals the short-lived tokens of chat platforms before they are stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;

const NONCE: usize = 24;

#[derive(Clone)]
pub(super) struct Seal(XChaCha20Poly1305);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    pub(super) fn new(key: &SecretString) -> Self {
        // Any length of key will do: what is used is its hash.
        let hash: [u8; 32] = Sha256::digest(key.expose_secret().as_bytes()).into();
        Self(XChaCha20Poly1305::new(&hash.into()))
    }

    /// None only where the text is longer than the cipher can take.
    pub(super) fn close(&self, open: &str) -> Option<String> {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let sealed = self.0.encrypt(&nonce, open.as_bytes()).ok()?;
        Some(BASE64.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// None where it was sealed under another key, or changed.
    pub(super) fn open(&self, sealed: &str) -> Option<SecretString> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, body) = bytes.split_at_checked(NONCE)?;
        let open = self.0.decrypt(XNonce::from_slice(nonce), body).ok()?;
        String::from_utf8(open).ok().map(SecretString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_closed_and_nothing_else() {
        let seal = Seal::new(&SecretString::from("one"));
        let sealed = seal.close("https://hooks.example/T1/abc").expect("short");
        assert!(!sealed.contains("hooks"));
        assert_eq!(
            seal.open(&sealed).expect("own key").expose_secret(),
            "https://hooks.example/T1/abc"
        );
        assert!(Seal::new(&SecretString::from("two")).open(&sealed).is_none());
        assert!(seal.open("AAAA").is_none());
    }
}
