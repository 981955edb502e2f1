//! A server that answers each connection with the next piece of its script, and tells what it was asked.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What becomes of one connection.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then nothing until the client leaves.
    Hang(Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    /// The heads of the requests, as they come.
    pub(super) heads: mpsc::UnboundedReceiver<String>,
    /// Tells of clients that left a connection that hung.
    pub(super) left: mpsc::UnboundedReceiver<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts one; further connections than the script has pieces are refused by closing them.
    pub(super) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heads_in, heads) = mpsc::unbounded_channel();
        let (left_in, left) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            for answer in script {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = head(&mut stream).await;
                let _ = heads_in.send(head);
                play(stream, answer, &left_in).await;
            }
        });
        Server { url, heads, left, task }
    }

    /// The heads that have come so far.
    pub(super) fn asked(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heads.try_recv().ok()).collect()
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.unwrap();
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    // A body that is left unread would turn the end of the connection into a reset.
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    head
}

async fn play(mut stream: TcpStream, answer: Answer, left: &mpsc::UnboundedSender<()>) {
    match answer {
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            let _ = stream.shutdown().await;
        }
        Answer::Hang(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            let _ = left.send(());
        }
        Answer::Reset(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    }
}

/// An answer of this status with these header lines and this body.
pub(super) fn answer(status: u16, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for line in headers {
        head.push_str(line);
        head.push_str("\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

pub(super) fn rows(body: &str) -> Answer {
    Answer::Bytes(answer(200, &["content-type: application/json"], body.as_bytes()))
}

/// The start of a chunked body, without its end.
pub(super) fn chunked(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    format!("{head}{:x}\r\n{body}\r\n", body.len()).into_bytes()
}

/// A gzip file that holds the bytes uncompressed: what a reader must check is there, and no library is needed.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(bytes);
    file.extend(crc32(bytes).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}
