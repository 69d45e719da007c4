//! A token request is sent once, whatever the network does, and what certainly was not sent is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use keapsake::transport::{FreshConnections, Reach, TokenTransport, Transport, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with a connection.
#[derive(Clone, Copy)]
enum Manner {
    /// Closes it at once.
    HangsUp,
    /// Reads the request, and closes.
    ReadsAndHangsUp,
    /// Reads the request, and resets.
    ReadsAndResets,
    /// Answers with half of what it promises.
    AnswersHalf,
    /// Answers with something that is not HTTP.
    AnswersNonsense,
    /// Answers, and leaves the connection open.
    Answers,
}

/// Counts connections and whole requests.
struct Server {
    address: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (connections, requests) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (accepted, read) = (connections.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, manner, read.clone()));
            }
        });
        Self { address, connections, requests }
    }

    fn request(&self, scheme: &str) -> Request<Bytes> {
        Request::post(format!("{scheme}://{}/token", self.address)).body(Bytes::from_static(b"a=b")).unwrap()
    }

    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, requests: Arc<AtomicUsize>) {
    if matches!(manner, Manner::HangsUp) {
        return;
    }
    let mut read = Vec::new();
    while !read.ends_with(b"a=b") {
        let mut some = [0; 1024];
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => return,
            Ok(n) => read.extend_from_slice(&some[..n]),
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let answer: &[u8] = match manner {
        Manner::AnswersHalf => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_tok",
        Manner::AnswersNonsense => b"SSH-2.0-OpenSSH_9.2\r\n",
        Manner::Answers => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        Manner::ReadsAndResets => {
            stream.set_zero_linger().unwrap();
            return;
        }
        Manner::HangsUp | Manner::ReadsAndHangsUp => return,
    };
    let _ = stream.write_all(answer).await;
    if matches!(manner, Manner::Answers) {
        // Until the client closes.
        let _ = stream.read(&mut [0; 1]).await;
    }
}

async fn send(server: &Server, scheme: &str) -> Result<http::Response<Bytes>, TransportError> {
    FreshConnections::new().unwrap().send(server.request(scheme)).await
}

#[tokio::test]
async fn a_request_without_an_answer_is_sent_once_and_its_fate_is_unknown() {
    for manner in
        [Manner::ReadsAndHangsUp, Manner::ReadsAndResets, Manner::AnswersHalf, Manner::AnswersNonsense]
    {
        let server = Server::start(manner).await;
        let error = send(&server, "http").await.unwrap_err();
        assert_eq!(error.reach(), Reach::Unknown, "{error}");
        assert_eq!(server.counts(), (1, 1), "{error}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_before_the_request_is_not_replaced_by_another() {
    let server = Server::start(Manner::HangsUp).await;
    let error = send(&server, "http").await.unwrap_err();
    assert_ne!(error.reach(), Reach::Yes);
    assert_eq!(server.counts(), (1, 0));
}

#[tokio::test]
async fn two_requests_never_share_a_connection() {
    let server = Server::start(Manner::Answers).await;
    let transport = FreshConnections::new().unwrap();
    for _ in 0..3 {
        assert_eq!(transport.send(server.request("http")).await.unwrap().body(), "{}");
    }
    assert_eq!(server.counts(), (3, 3));
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let endpoint = format!("http://{address}/token").parse().unwrap();
    let opened = FreshConnections::new().unwrap().open(&endpoint).await;
    assert_eq!(opened.map(|_| ()).unwrap_err().reach(), Reach::No);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_was_sent_nothing() {
    let server = Server::start(Manner::HangsUp).await;
    let error = send(&server, "https").await.map(|_| ()).unwrap_err();
    assert_eq!(error.reach(), Reach::No);
    assert_eq!(server.counts().1, 0);
}

#[tokio::test]
async fn an_opened_connection_has_sent_nothing_yet() {
    let server = Server::start(Manner::Answers).await;
    let endpoint = server.request("http").uri().clone();
    let line = FreshConnections::new().unwrap().open(&endpoint).await.unwrap();
    drop(line);
    assert_eq!(server.counts().1, 0);
}
