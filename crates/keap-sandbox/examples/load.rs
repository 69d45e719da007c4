//! How many simple requests a second? Run it with `cargo run --release -p keap-sandbox --example load`.

use std::time::{Duration, Instant};

use keap_sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 16;
const EACH: usize = 20_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let started = Instant::now();
    let keap = Sandbox::builder().start().await?;
    println!("started in {:?}", started.elapsed());
    keap.change_settings(|settings| {
        settings.limits.key.second = None;
        settings.limits.key.minute = None;
        settings.limits.key.day = None;
        settings.limits.tenant.minute = None;
        settings.limits.tenant.day = None;
    });
    for path in ["/_sandbox/health", "/crm/rest/v2/oauth/connect/userinfo"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nx-keap-api-key: {}\r\n\r\n",
            keap.address(),
            keap.api_key()
        );
        let begun = Instant::now();
        let clients: Vec<_> =
            (0..CONNECTIONS).map(|_| tokio::spawn(client(keap.address(), request.clone()))).collect();
        for client in clients {
            client.await??;
        }
        println!("{path}: {:.0} requests a second", per_second(begun.elapsed()));
    }
    keap.shutdown().await;
    Ok(())
}

/// Asks again and again on one connection.
async fn client(address: std::net::SocketAddr, request: String) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 8_192];
    for _ in 0..EACH {
        stream.write_all(request.as_bytes()).await?;
        // Small answers arrive in one piece on a loopback connection.
        let read = stream.read(&mut buffer).await?;
        if !buffer[..read].starts_with(b"HTTP/1.1 200") {
            return Err(std::io::Error::other(String::from_utf8_lossy(&buffer[..read]).into_owned()));
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no last digit")]
fn per_second(elapsed: Duration) -> f64 {
    (CONNECTIONS * EACH) as f64 / elapsed.as_secs_f64()
}
