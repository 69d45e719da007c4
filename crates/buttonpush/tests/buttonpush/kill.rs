//! kill -9 on the real program with real files: nothing that was acknowledged is lost, nothing is doubled, and the
//! connection lives.

use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::keap::{connect, panel_says};
use crate::program::Program;
use crate::world::{PASSWORD, log_in, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::start(&data);
    connected(&mut program).await;
    let (mut people, mut pressed) = (1, 0);
    for round in 0..12_u64 {
        // Faults and kills at ever other moments: before, during and after requests of a delivery.
        if round % 3 == 1 {
            let fault = json!({ "kind": "drop", "path": "/crm", "apply": true, "times": 2, "delay_ms": 5 });
            program.keap.post("/_sandbox/faults", &fault).await;
        }
        for n in 0..2 {
            let email = format!("person-{round}-{n}@example.com");
            let mut browser = program.browser();
            sign_up(&mut browser, "Per Son", &email, PASSWORD).await.assert_leads_to("/log-in?welcome");
            people += 1;
            log_in(&mut browser, &email, PASSWORD).await.assert_leads_to("/button");
            browser.submit("/button", &[]).await.assert_leads_to("/button");
            pressed += 1;
        }
        tokio::time::sleep(Duration::from_millis(round * 7 % 40)).await;
        program.kill();
        program = Program::start(&data);
        program.keap.advance(100).await;
    }

    let mut admin_again = program.browser();
    log_in(&mut admin_again, "ada@example.com", PASSWORD).await;
    for _ in 0..20 {
        program.keap.advance(100).await;
    }
    panel_says(&mut admin_again, &format!("<dd id=\"delivered\">{}</dd>", people + pressed)).await;
    let contacts = program.keap.contacts().await;
    let mut emails: Vec<String> =
        contacts.iter().map(|it| it["email"].as_str().unwrap().to_owned()).collect();
    emails.sort();
    emails.dedup();
    assert_eq!((contacts.len(), emails.len()), (people, people), "one contact for each person");
    assert!(contacts.iter().all(|contact| contact["given_name"] == "Per" || contact["given_name"] == "Ada"));
    assert_eq!(program.keap.applied().await, pressed, "one tag for each who pressed");
    assert_eq!(program.keap.tags().await, 1);
}

/// Makes the first administrator's account and connects.
async fn connected(program: &mut Program) -> Browser {
    let mut admin = program.browser();
    let link = admin.get(program.administrator_path.as_ref().unwrap()).await;
    let form = admin.follow(&link).await;
    let fields = [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
    admin.submit_from(&form, "/admin/first", &fields).await.assert_leads_to("/admin");
    connect(&mut admin, &mut program.keap, "allow").await.assert_leads_to("/admin/keap/return");
    admin
}

/// What becomes of a renewal, and what is killed with it.
struct Blow {
    fault: Option<Value>,
    /// How long after the renewal was due.
    killed_after_ms: u64,
    /// Whether Keap's answer can be lost by it: it was sent, or was about to be, and never came.
    may_lose: bool,
}

impl Blow {
    fn all() -> Vec<Self> {
        let fault = |kind: &str, more: Value| {
            let mut fault = json!({ "kind": kind, "operation": "refresh", "times": 1 });
            fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Some(fault)
        };
        let mut blows = Vec::new();
        for killed_after_ms in [5, 60, 250] {
            // Slow before it is carried out, and dropped before it is: the old refresh token is good.
            let slow = fault("delay", json!({ "delay_ms": 2_000 }));
            blows.push(Self { fault: slow, killed_after_ms, may_lose: false });
            let dropped = fault("drop", json!({}));
            blows.push(Self { fault: dropped, killed_after_ms, may_lose: false });
            // Carried out, and the answer comes too slowly or never.
            let dripping = fault("drip", json!({ "byte_ms": 20 }));
            blows.push(Self { fault: dripping, killed_after_ms, may_lose: true });
        }
        let lost = fault("drop", json!({ "apply": true }));
        blows.push(Self { fault: lost, killed_after_ms: 250, may_lose: true });
        // At any moment of a renewal on a good day. Only the few milliseconds before the answer is in the journal count.
        let moments = (0..16).map(|n| n * 7);
        blows.extend(moments.map(|killed_after_ms| Self { fault: None, killed_after_ms, may_lose: true }));
        blows
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_that_are_killed_lose_nothing_that_had_come() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::start(&data);
    let mut admin = connected(&mut program).await;
    let (mut renewals, mut lost) = (0, 0);
    for blow in Blow::all() {
        let before = program.keap.generation().await;
        if let Some(fault) = &blow.fault {
            program.keap.post("/_sandbox/faults", fault).await;
        }
        program.keap.advance(22 * 3600).await;
        tokio::time::sleep(Duration::from_millis(blow.killed_after_ms)).await;
        program.kill();
        program = Program::start(&data);
        let cookies = admin.cookies.clone();
        admin = program.browser();
        admin.cookies = cookies;

        let keaps = program.keap.generation().await;
        let ours = status(&mut admin).await["generation"].as_u64().unwrap();
        renewals += keaps - before;
        assert!(ours <= keaps, "{ours} is newer than Keap's {keaps}");
        let is_lost = ours < keaps;
        assert!(!is_lost || blow.may_lose, "Keap has {keaps} and we have {ours} after {:?}", blow.fault);
        let end = comes_to_rest(&mut program, &mut admin).await;
        if !is_lost {
            assert_eq!(
                end["phase"], "connected",
                "{:?} after {} ms: {end}",
                blow.fault, blow.killed_after_ms
            );
            assert_eq!(end["generation"], program.keap.generation().await, "{end}");
            continue;
        }
        // Nobody can help it, but it is noticed and said, and a person has it back with one press.
        assert_eq!(end["phase"], "needs-reconnect", "{end}");
        lost += 1;
        connect(&mut admin, &mut program.keap, "allow").await;
        assert_eq!(status(&mut admin).await["phase"], "connected");
    }
    println!("{renewals} renewals by the time of a kill, of which {lost} answers were lost on the way");
    assert!(renewals >= 4, "the kills hit renewals: {renewals}");
    assert!(lost >= 1, "the answer that was dropped after its renewal is lost");
}

async fn status(admin: &mut Browser) -> Value {
    let answer = admin.get("/admin/keap/status.json").await;
    answer.assert_status(200);
    serde_json::from_str(&answer.body).unwrap()
}

/// Lets time pass until all is well and nothing is due, or only a person can go on.
async fn comes_to_rest(program: &mut Program, admin: &mut Browser) -> Value {
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    for _ in 0..2_000 {
        let status = status(admin).await;
        if status["needs_a_person"] == true {
            return status;
        }
        let wait = time(&status["refresh_at"]).duration_since(time(&status["now"]));
        match status["phase"].as_str().unwrap() {
            "connected" if wait.is_positive() => return status,
            "connected" | "refreshing" => tokio::time::sleep(Duration::from_millis(10)).await,
            _ if wait.is_positive() => program.keap.advance(u32::try_from(wait.as_secs()).unwrap() + 1).await,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("it does not come to rest: {}", status(admin).await);
}
