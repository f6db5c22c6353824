//! One connection to a Redis server. Its certificate is judged as the control center's is, and no step takes longer than
//! it may.

use std::io::{self, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::refusal::Refusal;
use super::resp::{self, Answer};
use super::trouble::Fault;
use crate::request::RedisServer;
use crate::tls::handshake;
use crate::tls::settings::redis_config;
use rpa_signing::Secret;

/// For each step: a connect, a write, a read.
const LIMIT: Duration = Duration::from_millis(400);

pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Connection {
    /// Connects, proves who it is, and chooses the database.
    pub(super) fn open(server: &RedisServer) -> Result<Connection, Fault> {
        let tcp = connect(server).map_err(Fault::Unreachable)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(LIMIT))?;
        tcp.set_write_timeout(Some(LIMIT))?;
        let stream: Box<dyn Stream> = if server.tls { Box::new(encrypt(server, tcp)?) } else { Box::new(tcp) };
        let mut connection = Connection { stream: BufReader::new(stream) };
        if let Some(password) = &server.password {
            let parts = ["AUTH"].into_iter().chain(server.user.as_ref().map(Secret::expose)).chain([password.expose()]);
            connection.exchange(&parts.map(str::as_bytes).collect::<Vec<_>>())?;
        }
        if server.database != 0 {
            connection.exchange(&[b"SELECT", server.database.to_string().as_bytes()])?;
        }
        Ok(connection)
    }

    /// Sends a command and reads the answer.
    pub(super) fn exchange(&mut self, command: &[&[u8]]) -> Result<Answer, Fault> {
        let stream = self.stream.get_mut();
        let sent = stream.write_all(&resp::command(command)).and_then(|()| stream.flush());
        match (resp::read(&mut self.stream), sent) {
            // A server that lets nobody in says why, and closes before it was asked anything.
            (Ok(Answer::Error(line)), _) => Err(Fault::Refused(Refusal::of(&line))),
            (_, Err(error)) => Err(Fault::Lost(error)),
            (answer, Ok(())) => Ok(answer?),
        }
    }
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

fn encrypt(server: &RedisServer, mut tcp: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let no_name = || io::Error::other("its host is no name that a certificate could be for");
    let name = handshake::server_name(&server.host).ok_or_else(no_name)?;
    let config = redis_config(server.ca_file.as_deref()).map_err(|error| io::Error::other(error.detail))?;
    let mut session = ClientConnection::new(config, name.clone()).map_err(io::Error::other)?;
    handshake::complete(&mut session, &name, &mut tcp)?;
    Ok(StreamOwned::new(session, tcp))
}
