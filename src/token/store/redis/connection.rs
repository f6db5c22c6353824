//! One connection to a Redis server. The protocol is the `redis` crate's; TCP and TLS are our own, so that the server's
//! certificate is judged as the control center's is, and no step takes longer than it may.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use redis::{Cmd, Parser, RedisError, RedisResult, Value};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use zeroize::Zeroizing;

use crate::request::RedisServer;
use crate::secret::Secret;
use crate::sender;

/// For each step: a connect, a write, a read.
const LIMIT: Duration = Duration::from_millis(400);

pub(super) struct Connection {
    stream: Box<dyn Stream>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Connection {
    /// Connects, proves who it is, and chooses the database.
    pub(super) fn open(server: &RedisServer) -> RedisResult<Connection> {
        let tcp = connect(server)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(LIMIT))?;
        tcp.set_write_timeout(Some(LIMIT))?;
        let stream: Box<dyn Stream> = if server.tls { Box::new(encrypt(server, tcp)?) } else { Box::new(tcp) };
        let mut connection = Connection { stream };
        if let Some(password) = &server.password {
            let user = server.user.as_ref().map(Secret::expose);
            connection.stream.write_all(&auth(user, password.expose()))?;
            connection.succeeded()?;
        }
        if server.database != 0 {
            connection.stream.write_all(&redis::cmd("SELECT").arg(server.database).get_packed_command())?;
            connection.succeeded()?;
        }
        Ok(connection)
    }

    /// Sends a command and reads the answer, which may be the server's own error.
    pub(super) fn exchange(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        self.stream.write_all(&cmd.get_packed_command())?;
        self.answer()
    }

    fn answer(&mut self) -> RedisResult<Value> {
        self.stream.flush()?;
        Parser::new().parse_value(&mut self.stream)
    }

    fn succeeded(&mut self) -> RedisResult<()> {
        match self.answer()? {
            Value::ServerError(error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// The command AUTH, written here so that it can be wiped.
fn auth(user: Option<&str>, password: &str) -> Zeroizing<Vec<u8>> {
    let parts = ["AUTH"].into_iter().chain(user).chain([password]);
    let length = parts.clone().map(str::len).fold(64, usize::saturating_add);
    let mut command = Zeroizing::new(Vec::with_capacity(length.saturating_add(64)));
    command.extend_from_slice(format!("*{}\r\n", parts.clone().count()).as_bytes());
    for part in parts {
        command.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        command.extend_from_slice(part.as_bytes());
        command.extend_from_slice(b"\r\n");
    }
    command
}

fn connect(server: &RedisServer) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in (server.host.as_str(), server.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn encrypt(server: &RedisServer, tcp: TcpStream) -> RedisResult<StreamOwned<ClientConnection, TcpStream>> {
    let unfit = |why: String| RedisError::from(io::Error::other(why));
    let name = ServerName::try_from(server.host.clone()).map_err(|error| unfit(error.to_string()))?;
    let config = sender::tls_for_redis(server.ca_file.as_deref()).map_err(|error| unfit(error.detail))?;
    let session = ClientConnection::new(config, name).map_err(|error| unfit(error.to_string()))?;
    Ok(StreamOwned::new(session, tcp))
}
