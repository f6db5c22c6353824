//! Tokens and job numbers.

use ring::rand::{SecureRandom, SystemRandom};

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 hex characters, as the control center's tokens are. `None` where the system has no random
/// bytes to give.
pub fn token() -> Option<String> {
    Some(hex(&bytes()?))
}

/// A random UUID (version 4).
pub fn uuid() -> Option<String> {
    let mut bytes = bytes()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

fn bytes() -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_32_hex_characters() {
        let token = token().unwrap();
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|b| b"0123456789abcdef".contains(&b)));
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let uuid = uuid().unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]));
    }
}
