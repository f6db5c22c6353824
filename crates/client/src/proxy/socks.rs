//! SOCKS5 (RFC 1928, RFC 1929), over whatever connection leads to the proxy.

use std::io::{self, Read, Write};
use std::net::IpAddr;

use super::refusal::Refusal;
use super::socks_refusal::SocksRefusal;
use rpa_signing::Secret;

const VERSION: u8 = 5;

/// Asks for a connection to `host`, without brackets, and `port`. After `Ok` the next byte of the stream is the server's.
/// What the proxy does in its place is a [`Refusal`] in an `io::Error`, as in `tunnel.rs`.
pub(crate) fn open(
    stream: &mut (impl Read + Write),
    credentials: Option<&(Secret, Secret)>,
    host: &str,
    port: u16,
) -> io::Result<()> {
    greet(stream, credentials.map(|(user, password)| (user.expose(), password.expose())))?;
    ask_for(stream, host, port)
}

fn refused(refusal: SocksRefusal) -> io::Error {
    Refusal::Socks(refusal).into()
}

/// Agrees on a way to sign in, and signs in.
fn greet(stream: &mut (impl Read + Write), credentials: Option<(&str, &str)>) -> io::Result<()> {
    const NOTHING: u8 = 0;
    const PASSWORD: u8 = 2;
    let methods: &[u8] = if credentials.is_some() { &[VERSION, 2, NOTHING, PASSWORD] } else { &[VERSION, 1, NOTHING] };
    stream.write_all(methods)?;
    match (read(stream)?, credentials) {
        ([VERSION, NOTHING], _) => Ok(()),
        ([VERSION, PASSWORD], Some((user, password))) => sign_in(stream, user, password),
        ([VERSION, _], None) => Err(refused(SocksRefusal::WantsPassword)),
        ([VERSION, _], Some(_)) => Err(refused(SocksRefusal::WantsAnotherWay)),
        ([first, _], _) => Err(refused(SocksRefusal::Unspoken { http: first == b'H' })),
    }
}

fn sign_in(stream: &mut (impl Read + Write), user: &str, password: &str) -> io::Result<()> {
    // Sized beforehand: a vector that grows leaves a copy of the password behind.
    let mut request = zeroize::Zeroizing::new(Vec::with_capacity(3 + user.len() + password.len()));
    request.push(1);
    for text in [user, password] {
        let length = u8::try_from(text.len()).map_err(|_| refused(SocksRefusal::CredentialsTooLong))?;
        request.push(length);
        request.extend_from_slice(text.as_bytes());
    }
    stream.write_all(&request)?;
    match read(stream)? {
        [_, 0] => Ok(()),
        _ => Err(refused(SocksRefusal::WrongPassword)),
    }
}

/// Asks for a connection. A name goes to the proxy as it is.
fn ask_for(stream: &mut (impl Read + Write), host: &str, port: u16) -> io::Result<()> {
    let mut request = vec![VERSION, 1, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            let length = u8::try_from(host.len()).map_err(|_| refused(SocksRefusal::NameTooLong))?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request)?;
    let [version, answer, _, kind] = read(stream)?;
    if version != VERSION {
        return Err(refused(SocksRefusal::Unspoken { http: false }));
    }
    if answer != 0 {
        return Err(refused(SocksRefusal::Refused(answer)));
    }
    // The address that the proxy is bound to, and a port; of no use here.
    let length = match kind {
        1 => 4,
        3 => usize::from(read::<1>(stream)?[0]),
        4 => 16,
        _ => return Err(refused(SocksRefusal::OddAddress)),
    };
    stream.read_exact(&mut vec![0; length + 2])
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
