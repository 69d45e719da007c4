//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Parser, ValueEnum};
use keap_sandbox::{ClockMode, Sandbox, SandboxBuilder};

/// A local Keap: sign-in, consent, tokens and REST on one loopback port, for development and tests.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Options {
    /// Where to listen; a loopback address, port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:8100")]
    listen: SocketAddr,
    /// Keep everything in this SQLite file, so that it survives restarts and crashes.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Begin with the contacts, tags, people and clients in this JSON file.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Whether time passes by itself or only through the control interface.
    #[arg(long, value_enum, default_value_t = Clock::Real)]
    clock: Clock,
    /// Refuse what should be refused (the default).
    #[arg(long, conflicts_with = "like_keap")]
    strict: bool,
    /// Allow what has been seen to pass on the live service.
    #[arg(long)]
    like_keap: bool,
    /// Register an application; may be repeated.
    #[arg(long = "client", value_name = "ID:SECRET")]
    clients: Vec<String>,
    /// Register a redirect URI; may be repeated.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Clock {
    Real,
    Manual,
}

impl Options {
    pub(crate) fn builder(&self) -> anyhow::Result<SandboxBuilder> {
        let clock = match self.clock {
            Clock::Real => ClockMode::Real,
            Clock::Manual => ClockMode::Manual,
        };
        let mut builder = Sandbox::builder().listen(self.listen).clock(clock).like_keap(self.like_keap);
        if let Some(data) = &self.data {
            builder = builder.data(data);
        }
        if let Some(seed) = &self.seed {
            builder = builder.seed(seed);
        }
        for client in &self.clients {
            let Some((id, secret)) = client.split_once(':') else {
                bail!(
                    "--client needs an id and a secret with a colon between them, as in --client shop:s3cret."
                );
            };
            builder = builder.client(id, secret);
        }
        for uri in &self.redirect_uris {
            builder = builder.redirect_uri(uri);
        }
        Ok(builder)
    }

    /// The clients that were named, or the one that is there by itself.
    pub(crate) fn clients(&self) -> Vec<(&str, &str)> {
        let named: Vec<_> = self.clients.iter().filter_map(|client| client.split_once(':')).collect();
        match (&self.seed, named.is_empty()) {
            (None, true) => vec![("sandbox-client", "sandbox-secret")],
            _ => named,
        }
    }

    pub(crate) fn sign_in(&self) -> String {
        match &self.seed {
            None => "owner@example.com with password sandbox".to_owned(),
            Some(seed) => {
                format!("as {} says, or else owner@example.com with password sandbox", seed.display())
            }
        }
    }

    /// Whoever has a real Keap credential in the environment is one mistyped address away from sending it here.
    pub(crate) fn refuse_real_credentials(&self) -> anyhow::Result<()> {
        let real = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let own_client = |id: &str| self.clients().iter().any(|(known, _)| *known == id);
        if real("KEAP_CLIENT_ID").is_some_and(|id| !own_client(&id)) {
            bail!(
                "KEAP_CLIENT_ID names an application that this sandbox does not know, probably a real one. Start the \
                 sandbox without it, so that real credentials cannot end up here."
            );
        }
        Ok(())
    }
}
