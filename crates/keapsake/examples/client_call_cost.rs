//! What does a call through the SDK cost, beside the same call with nothing but reqwest?
//!
//! Both read the same contact from the same sandbox and parse it into the same type, thousands of times in turns.
//! Only the processor time of this process counts; the sandbox is a process of its own:
//!
//! ```text
//! cargo build --release -p keap-sandbox
//! cargo run --release -p keapsake --example client_call_cost
//! ```

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keapsake::client::ContactId;
use keapsake::client::contacts::{Contact, ContactFields};
use keapsake::oauth::Pkce;
use keapsake::store::MemoryStore;
use keapsake::store::seal::SealingKey;
use keapsake::{Application, ClientSecret, Endpoints, Keap};
use serde::Deserialize;
use serde_json::json;

const ROUNDS: u32 = 15;
/// Calls of each kind in a round.
const CALLS: u32 = 1_500;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// One thread, so that its processor time is that of the process.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    let http = plain_client()?;
    sandbox.lift_limits(&http).await?;
    let keap = sandbox.connect(&http).await?;
    let contact = keap.contacts().create(&ContactFields::with_email("ann@example.com")).await?.id;
    let bare = Bare::new(http, &sandbox, &contact);

    through_the_sdk(&keap, &contact).await?;
    bare.calls().await?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        rounds.push(if round % 2 == 0 {
            let sdk = through_the_sdk(&keap, &contact).await?;
            Round { sdk, bare: bare.calls().await? }
        } else {
            let bare = bare.calls().await?;
            Round { sdk: through_the_sdk(&keap, &contact).await?, bare }
        });
    }
    report(&rounds);
    keap.stop().await;
    Ok(())
}

/// Processor time per call, in microseconds.
struct Round {
    sdk: f64,
    bare: f64,
}

fn report(rounds: &[Round]) {
    let of = |number: fn(&Round) -> f64| median(rounds.iter().map(number).collect());
    println!(
        "{:.1} µs, a bare reqwest call {:.1} µs, ratio {:.2} (median of {ROUNDS} rounds of {CALLS} calls)",
        of(|round| round.sdk),
        of(|round| round.bare),
        of(|round| round.sdk / round.bare),
    );
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn through_the_sdk(keap: &Keap, contact: &ContactId) -> Result<f64> {
    let before = processor_time()?;
    for _ in 0..CALLS {
        keap.contacts().get(contact).await?;
    }
    per_call(before)
}

/// What an application would write without the SDK.
struct Bare {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Bare {
    fn new(http: reqwest::Client, sandbox: &Sandbox, contact: &ContactId) -> Self {
        let fields = "id,given_name,family_name,email_addresses,tag_ids,custom_fields";
        let url = format!("{}/crm/rest/v2/contacts/{contact}?fields={fields}", sandbox.url);
        Self { http, url, key: sandbox.key.clone() }
    }

    async fn calls(&self) -> Result<f64> {
        let before = processor_time()?;
        for _ in 0..CALLS {
            let request = self.http.get(&self.url).header("X-Keap-API-Key", &self.key);
            let answer = request.header("Accept", "application/json").send().await?.error_for_status()?;
            let _: Contact = serde_json::from_slice(&answer.bytes().await?)?;
        }
        per_call(before)
    }
}

fn per_call(before: Duration) -> Result<f64> {
    let took = processor_time()?.saturating_sub(before);
    Ok(took.as_secs_f64() * 1e6 / f64::from(CALLS))
}

/// The processor time of this process so far, as Linux counts it for its first thread.
fn processor_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().ok_or("/proc/self/schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn plain_client() -> Result<reqwest::Client> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).build()?)
}

/// The sandbox's program, ended when this is dropped.
struct Sandbox {
    program: Child,
    url: String,
    key: String,
}

#[derive(Deserialize)]
struct Consented {
    location: String,
}

impl Sandbox {
    fn start() -> Result<Self> {
        let path = program()?;
        let mut program = Command::new(&path)
            .args(["--listen", "127.0.0.1:0"])
            .env_remove("KEAP_CLIENT_ID")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", path.display()))?;
        let output = program.stdout.take().ok_or("the sandbox has no output")?;
        let mut sandbox = Self { program, url: String::new(), key: String::new() };
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(url) = line.strip_prefix("keap-sandbox listening on ") {
                url.clone_into(&mut sandbox.url);
            }
            if let Some(key) = line.strip_prefix("key ") {
                key.trim().clone_into(&mut sandbox.key);
                return Ok(sandbox);
            }
        }
        Err("the sandbox ended before it said where it is".into())
    }

    async fn lift_limits(&self, http: &reqwest::Client) -> Result<()> {
        let none = json!({"second": null, "minute": null, "day": null});
        let tenant = json!({"minute": null, "day": null});
        let limits = json!({"limits": {"client": none, "key": none, "tenant": tenant}});
        self.control(http, "settings", &limits).await?;
        Ok(())
    }

    /// An SDK that an administrator has connected to the sandbox's first account.
    async fn connect(&self, http: &reqwest::Client) -> Result<Keap> {
        let secret = ClientSecret::new("sandbox-secret");
        let redirect = "http://127.0.0.1:9/callback";
        let application = Application::at(Endpoints::under(&self.url)?, "sandbox-client", secret, redirect)?;
        let store = Arc::new(MemoryStore::default());
        let key = SealingKey::from_bytes([7; 32]);
        let keap = Keap::oauth(application.with_pkce(Pkce::S256), store, key).start().await?;

        let started = keap.start_authorization("example", false).await?;
        let consent = json!({"authorize_url": started.url, "account": "acme", "decision": "allow"});
        let answer = self.control(http, "consent", &consent).await?;
        let Consented { location } = serde_json::from_slice(&answer)?;
        let (_, query) = location.split_once('?').ok_or("the sandbox did not send the browser back")?;
        keap.receive_callback(query, Some(&started.browser_key)).await?.complete().await?;
        Ok(keap)
    }

    async fn control(&self, http: &reqwest::Client, what: &str, body: &serde_json::Value) -> Result<Bytes> {
        let url = format!("{}/_sandbox/{what}", self.url);
        let request = http.post(url).header("Content-Type", "application/json").body(body.to_string());
        Ok(request.send().await?.error_for_status()?.bytes().await?)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The sandbox that was built in the same way as this example.
fn program() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let built = this.parent().and_then(std::path::Path::parent).ok_or("where this program is, is unknown")?;
    Ok(built.join("keap-sandbox"))
}
