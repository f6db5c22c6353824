//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use rustls::pki_types::ServerName;

use crate::generation::Generation;
use crate::look::Look;
use crate::percent::Accepted;
use crate::tokens::TokenShape;

/// Longest time an option may name: ten years keeps every sum of times within range.
const TEN_YEARS: f64 = 10.0 * 366.0 * 86_400.0;

const PATHS: &str = include_str!("paths.txt");

/// An emulator of the RPA control center's OpenAPI: tokens, signed calls, and jobs that run. Its address in a browser is a
/// page that shows each request, and why it was refused.
#[derive(Parser)]
#[command(name = "control_center", version, after_help = PATHS, max_term_width = 120)]
pub struct Args {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub listen: IpAddr,

    /// Port to listen on; 0 lets the system pick [default: 8443 with --tls, else 8080, and 10080 for generation 9]
    #[arg(long, value_name = "N")]
    port: Option<u16>,

    /// Serve HTTPS with a fresh self-signed certificate
    #[arg(long)]
    pub tls: bool,

    /// Names and addresses the certificate is for
    #[arg(long, value_name = "NAMES", default_value = "localhost,127.0.0.1")]
    #[arg(value_delimiter = ',', value_parser = name, requires = "tls")]
    pub names: Vec<String>,

    /// File to write the certificate to, kept at exit [default: a new temporary file, removed at exit]
    #[arg(long, value_name = "PATH", requires = "tls")]
    pub pem: Option<PathBuf>,

    /// Generation of the API to play
    #[arg(long, value_enum, default_value_t = Generation::V2020_4)]
    pub generation: Generation,

    /// Rule by which the source string is percent-encoded before it is signed: python keeps / and ~, java encodes them
    /// [default: python, and java for generations 2020.5 and 10.3]
    #[arg(long, value_enum)]
    encoding: Option<Accepted>,

    /// How a refused signature looks, without a result: '{"http_status": 200, "code": 1001, "msg": "签名错误"}'
    #[arg(long, value_name = "JSON", value_parser = Look::parse)]
    pub refuse_signature: Option<Look>,

    /// Lifetime of an access token in seconds, fractions allowed; a refresh token lives 12 times as long
    #[arg(long, value_name = "SECONDS", default_value = "7200", value_parser = lifetime)]
    pub token_ttl: Duration,

    /// A new token invalidates the older one
    #[arg(long)]
    pub single_token: bool,

    /// Shape of a token reply's result: an object with named fields, or the array [access, refresh]
    #[arg(long, value_enum, default_value_t = TokenShape::Object)]
    pub token_shape: TokenShape,

    /// Milliseconds that the reply to a token call is late; the token lives from when it was made
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=86_400_000))]
    pub token_delay_millis: u64,

    /// Seconds by which the emulator's own clock is ahead of the machine's; negative is behind
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = skew, allow_negative_numbers = true)]
    pub clock_skew: i64,

    /// Milliseconds from a job's creation to its end; it waits for the first quarter of them
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(i64).range(0..=86_400_000))]
    pub job_millis: i64,

    /// End when stdin reaches its end, so that the emulator does not outlive the program that started it
    #[arg(long)]
    pub until_stdin_closes: bool,
}

impl Args {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { 8443 } else { self.generation.port() })
    }

    pub fn encoding(&self) -> Accepted {
        self.encoding.unwrap_or(self.generation.encoding())
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.abs() <= TEN_YEARS => Ok(seconds),
        Ok(seconds) if !seconds.is_nan() => Err("more than ten years".to_owned()),
        _ => Err("not a number of seconds".to_owned()),
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds(text)?).map_err(|_| "a lifetime cannot be negative".to_owned())
}

/// A name of DNS, the first label of which may be `*`, or an address.
fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match ServerName::try_from(name.strip_prefix("*.").unwrap_or(name)) {
        Ok(_) => Ok(name.to_owned()),
        Err(_) => Err("neither a host name nor an IP address".to_owned()),
    }
}

/// In milliseconds, as the protocol counts time.
fn skew(text: &str) -> Result<i64, String> {
    Ok((seconds(text)? * 1000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_port_follows_tls() {
        assert_eq!(Args::parse_from(["x"]).port(), 8080);
        assert_eq!(Args::parse_from(["x", "--tls"]).port(), 8443);
        assert_eq!(Args::parse_from(["x", "--tls", "--port", "0"]).port(), 0);
        assert_eq!(Args::parse_from(["x", "--generation", "9"]).port(), 10080);
    }

    #[test]
    fn the_encoding_follows_the_generation() {
        assert_eq!(Args::parse_from(["x"]).encoding(), Accepted::Python);
        assert_eq!(Args::parse_from(["x", "--generation", "10.3"]).encoding(), Accepted::Java);
        assert_eq!(
            Args::parse_from(["x", "--generation", "2020.5", "--encoding", "either"]).encoding(),
            Accepted::Either
        );
    }

    #[test]
    fn names_are_what_a_certificate_can_hold() {
        for text in ["localhost", " rpa.example.com", "*.example.com", "127.0.0.1", "::1"] {
            assert_eq!(name(text).as_deref(), Ok(text.trim()));
        }
        for text in ["", "a b", "中文", "https://x", "*", "x:443"] {
            assert!(name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_kept_within_reach() {
        assert_eq!(lifetime("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(skew("-601.5"), Ok(-601_500));
        for text in ["", "x", "nan", "inf", "1e300"] {
            assert!(lifetime(text).is_err() && skew(text).is_err(), "{text}");
        }
        assert!(lifetime("-1").is_err());
    }
}
