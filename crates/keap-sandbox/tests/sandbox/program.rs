//! The `keap-sandbox` program.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::keap::{CLIENT, authorize_url, form, http_client, query_value, try_send};

struct Program {
    child: Child,
    url: String,
    key: String,
}

impl Program {
    fn start(file: &Path) -> Self {
        let mut child = command(&["--listen", "127.0.0.1:0", "--data", file.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.next().unwrap();
        let url = first.strip_prefix("keap-sandbox listening on ").unwrap().to_owned();
        let key = lines.find_map(|line| line.strip_prefix("key      ").map(str::to_owned)).unwrap();
        Self { child, url, key }
    }

    async fn post(&self, path: &str, body: String, form: bool) -> serde_json::Value {
        let kind = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let request = http_client().post(format!("{}{path}", self.url)).header("content-type", kind);
        let request = if form {
            request.basic_auth(CLIENT.0, Some(CLIENT.1))
        } else {
            request.header("x-keap-api-key", &self.key)
        };
        try_send(request.body(body)).await.unwrap().json()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keap-sandbox"));
    command.args(arguments).env_remove("KEAP_CLIENT_ID");
    command
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keap.sqlite");
    let mut refresh = String::new();
    for round in 0..5 {
        let program = Program::start(&file);
        let list = http_client().get(format!("{}/crm/rest/v2/tags", program.url)).bearer_auth(&program.key);
        let tags = try_send(list).await.unwrap().json();
        assert_eq!(
            tags["tags"].as_array().unwrap().len(),
            round,
            "everything answered before the kill is there"
        );
        if round == 0 {
            let consent = json!({"authorize_url": authorize_url("", &[])}).to_string();
            let location = program.post("/_sandbox/consent", consent, false).await["location"].clone();
            let code = query_value(location.as_str().unwrap(), "code").unwrap();
            let exchange = [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", crate::keap::CALLBACK),
            ];
            let tokens = program.post("/token", form(&exchange), true).await;
            tokens["refresh_token"].as_str().unwrap().clone_into(&mut refresh);
        } else {
            let rotate = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
            let tokens = program.post("/token", form(&rotate), true).await;
            tokens["refresh_token"].as_str().unwrap().clone_into(&mut refresh);
        }
        program.post("/crm/rest/v2/tags", json!({"name": format!("tag {round}")}).to_string(), false).await;
        // Dropping the program kills it without any warning.
    }
}

#[test]
fn mistakes_are_told_in_one_paragraph() {
    for (arguments, words) in [
        (vec!["--listen", "0.0.0.0:0"], "can be reached from other computers"),
        (vec!["--listen", "127.0.0.1:0", "--client", "nosecret"], "--client needs an id and a secret"),
        (vec!["--listen", "127.0.0.1:0", "--seed", "/nonexistent/seed.json"], "/nonexistent/seed.json"),
        (vec!["--listen", "127.0.0.1:0", "--data", "/nonexistent/keap.sqlite"], "/nonexistent/keap.sqlite"),
    ] {
        let output = command(&arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(words), "{arguments:?}: {text}");
        assert!(text.starts_with("error: ") && text.trim_end().lines().count() == 1, "{text}");
    }
    let output = command(&[]).env("KEAP_CLIENT_ID", "a-real-one").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("probably a real one"));
}

#[cfg(unix)]
#[test]
fn sigterm_is_a_clean_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(&folder.path().join("keap.sqlite"));
    let killed = Command::new("kill").args(["-TERM", &program.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(program.child.wait().unwrap().success());
}
