//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use rustls::pki_types::ServerName;

use crate::percent::Encoding;
use crate::tokens::TokenShape;

/// Longest time an option may name: ten years keeps every sum of times within range.
const TEN_YEARS: f64 = 10.0 * 366.0 * 86_400.0;

const PATHS: &str = "\
Keys: access key demo-access-key, secret key demo-secret-key.

The vendor's published paths:
  GET    /oapi/v1/token       accessKey, secretKey  or  refreshToken; not signed
  POST   /oapi/v1/job/create  procCode, robotNo; all else is kept as the job's params

The emulator's own paths, which no real control center need have:
  GET    /oapi/v1/job/get       jobNo
  GET    /oapi/v1/job/list      [pageNum 1..] [pageSize 1..1000] [status waiting|running|finished|stopped]
  PUT    /oapi/v1/job/stop      jobNo
  PUT    /oapi/v1/job/update    jobNo; all else is set in the job's params
  DELETE /oapi/v1/job/delete    jobNo
  GET    /oapi/v1/process/list
  GET    /oapi/v1/robot/list
  (any of the four) /oapi/v1/echo   answers what arrived, as it arrived
  (any of the four) /oapi/v1/reply  answers what it is told: [status 200..599] [contentType]
                                    [body or bodyHex] [location] [retryAfter] [delayMillis]

Every call but token is signed. Replies are {\"code\", \"msg\", \"result\"}; code 0 is success.
Refusals by HTTP status, with the same code:
  400 parameters    401 keys or token    403 timestamp or signature (result says what was computed)
  404 no such path  405 wrong method     413 body over 64 MiB    415 wrong content type
Refusals with HTTP 200:
  101 no such process    102 no such robot    103 no such job
  104 a waiting or running job cannot be deleted    105 a job that has ended cannot be stopped

A URL over 64 KiB is answered 414 by the HTTP layer, without a body or a log line.

Stdout has one line of JSON: base, accesskey, secretkey, fingerprint, pem, encoding, pid.
Stderr has one line per request, and never a key, token, signature or query.";

/// An emulator of the RPA control center's OpenAPI, generation 2020.4: tokens, signed calls, and jobs that run.
#[derive(Parser)]
#[command(name = "control_center", version, after_help = PATHS, max_term_width = 120)]
pub struct Args {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub listen: IpAddr,

    /// Port to listen on; 0 lets the system pick [default: 8443 with --tls, else 8080]
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

    /// Rule by which the source string is percent-encoded before it is signed: python keeps / and ~, java encodes them
    #[arg(long, value_enum, default_value_t = Encoding::Python)]
    pub encoding: Encoding,

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
        self.port.unwrap_or(if self.tls { 8443 } else { 8080 })
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
