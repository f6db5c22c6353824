//! SOCKS5 (RFC 1928, RFC 1929), over whatever connection leads to the proxy.

use std::io::{self, Read, Write};
use std::net::IpAddr;

use rpa_signing::Secret;

const VERSION: u8 = 5;

/// Asks for the way to a host and port. After `Ok` the next byte of the stream is the host's.
pub(crate) fn open(
    stream: &mut (impl Read + Write),
    credentials: Option<&(Secret, Secret)>,
    host: &str,
    port: u16,
) -> io::Result<()> {
    let (user, password) = credentials.map(|(user, password)| (user.expose(), password.expose())).unzip();
    greet(stream, user, password)?;
    ask_for(stream, host, port)
}

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::other(why.into())
}

/// Agrees on a way to sign in, and signs in.
fn greet(stream: &mut (impl Read + Write), user: Option<&str>, password: Option<&str>) -> io::Result<()> {
    const NOTHING: u8 = 0;
    const PASSWORD: u8 = 2;
    let methods: &[u8] = if user.is_some() { &[VERSION, 2, NOTHING, PASSWORD] } else { &[VERSION, 1, NOTHING] };
    stream.write_all(methods)?;
    match (read(stream)?, user) {
        ([VERSION, NOTHING], _) => Ok(()),
        ([VERSION, PASSWORD], Some(user)) => sign_in(stream, user, password.unwrap_or_default()),
        ([VERSION, _], None) => {
            Err(refused("it wants a user name and a password: write `socks5://user:password@host:port`"))
        }
        ([VERSION, _], Some(_)) => Err(refused("it wants another way to sign in than a user name and a password")),
        _ => Err(refused("it does not speak SOCKS5")),
    }
}

fn sign_in(stream: &mut (impl Read + Write), user: &str, password: &str) -> io::Result<()> {
    let mut request = zeroize::Zeroizing::new(vec![1]);
    for text in [user, password] {
        let length = u8::try_from(text.len())
            .map_err(|_| refused("SOCKS5 takes a user name and a password of at most 255 bytes"))?;
        request.push(length);
        request.extend_from_slice(text.as_bytes());
    }
    stream.write_all(&request)?;
    match read(stream)? {
        [_, 0] => Ok(()),
        _ => Err(refused("it refuses the user name or the password")),
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
            let length = u8::try_from(host.len()).map_err(|_| refused("SOCKS5 takes a name of at most 255 bytes"))?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request)?;
    let [version, answer, _, kind] = read(stream)?;
    if version != VERSION {
        return Err(refused("it does not speak SOCKS5"));
    }
    if answer != 0 {
        return Err(refused(format!("it refuses the connection: {}", reason(answer))));
    }
    // The address that the proxy is bound to, and a port; of no use here.
    let length = match kind {
        1 => 4,
        3 => usize::from(read::<1>(stream)?[0]),
        4 => 16,
        _ => return Err(refused("it names an address of a kind that SOCKS5 does not have")),
    };
    stream.read_exact(&mut vec![0; length.saturating_add(2)])
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn reason(answer: u8) -> &'static str {
    match answer {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "the way is too long",
        7 | 8 => "it cannot do this",
        _ => "for a reason of its own",
    }
}
