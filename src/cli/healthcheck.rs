//! `spanwire healthcheck`: whether a gateway answers on the wire, for containers.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use clap::Args;

use crate::error::{Error, Kind, Result};

const DEADLINE: Duration = Duration::from_secs(5);
/// SSLRequest: eight bytes, the code 80877103. Every PostgreSQL answers it with one byte before any login.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the gateway listens
    #[arg(long, default_value = "127.0.0.1:5433")]
    address: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let answer = ask(&arguments.address).map_err(|error| {
        let message = format!("no gateway answers on {}: {error}", arguments.address);
        Error::new(Kind::UpstreamConnection, message)
    })?;
    match answer {
        b'S' | b'N' => Ok(()),
        _ => Err(Error::new(Kind::Protocol, format!("what listens on {} is no gateway", arguments.address))),
    }
}

fn ask(address: &str) -> std::io::Result<u8> {
    let mut addresses = address.to_socket_addrs()?;
    let address = addresses.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
    let mut socket = TcpStream::connect_timeout(&address, DEADLINE)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    socket.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    socket.read_exact(&mut answer)?;
    Ok(answer[0])
}
