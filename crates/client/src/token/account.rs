//! Who a token belongs to. From the secret key come a name to keep it under and a key to seal it with, so that who
//! reads a store learns neither the token nor the keys, and who has another secret key finds nothing.

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::request::{Address, Keys};

/// An account at one control center.
pub(super) struct Account {
    name: String,
    key: Zeroizing<[u8; 32]>,
}

impl Account {
    pub(super) fn new(address: &Address, keys: &Keys) -> Account {
        let base = address.url("");
        let derive = Hkdf::<Sha256>::new(Some(b"rpa-openapi token store 1"), keys.secret.expose().as_bytes());
        // A zero byte ends each part: neither can hold one.
        let info =
            |purpose: &'static str| [purpose, "\0", base.as_str(), "\0", keys.access.expose()].map(str::as_bytes);
        let mut name = [0; 16];
        let mut key = Zeroizing::new([0; 32]);
        derive.expand_multi_info(&info("name"), &mut name).expect("HKDF gives as much as 255 times 32 bytes");
        derive.expand_multi_info(&info("key"), &mut *key).expect("HKDF gives as much as 255 times 32 bytes");
        Account { name: base16ct::lower::encode_string(&name), key }
    }

    /// In hex.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Encrypts and authenticates; `None` where the system has no random bytes to give.
    pub(super) fn seal(&self, generation: u64, mut plain: Zeroizing<Vec<u8>>) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self.cipher().seal_in_place_append_tag(unique, self.bound_to(generation), &mut *plain);
        sealed.expect("a token is far shorter than the longest text of this cipher");
        Some([&nonce[..], &plain].concat())
    }

    /// `None` for whatever was not sealed under this account and generation.
    pub(super) fn open(&self, generation: u64, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = self.cipher().open_in_place(nonce, self.bound_to(generation), &mut bytes).ok()?.len();
        bytes.truncate(length);
        Some(bytes)
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &*self.key).expect("the key has the cipher's length"))
    }

    fn bound_to(&self, generation: u64) -> Aad<[u8; 8]> {
        Aad::from(generation.to_be_bytes())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::request::{Place, RefusalRule};
    use rpa_signing::Secret;

    pub(crate) fn account(secret: &str) -> Account {
        account_of("https://10.0.0.5", "access", secret)
    }

    pub(crate) fn account_of(host: &str, access: &str, secret: &str) -> Account {
        let keys = Keys {
            access: Secret::new(access.into()),
            secret: Secret::new(secret.into()),
            place: Place::Memory,
            lifetime: None,
            refusal: RefusalRule::default(),
            correct_clock: true,
        };
        Account::new(&Address::of_test(host), &keys)
    }

    #[test]
    fn only_the_same_keys_open_what_was_sealed() {
        let (one, other) = (account("secret"), account("another"));
        assert_ne!(one.name(), other.name());
        assert_eq!(one.name().len(), 32);
        let plain = || Zeroizing::new(b"t0ken".to_vec());
        let sealed = one.seal(7, plain()).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"t0ken"));
        assert_ne!(sealed, one.seal(7, plain()).unwrap(), "each with a nonce of its own");
        assert_eq!(account("secret").open(7, &sealed).unwrap().as_slice(), b"t0ken");
        assert!(one.open(8, &sealed).is_none(), "the generation is authenticated");
        assert!(other.open(7, &sealed).is_none());
        for end in 0..sealed.len() {
            assert!(one.open(7, &sealed[..end]).is_none());
        }
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(one.open(7, &damaged).is_none());
        }
    }
}
