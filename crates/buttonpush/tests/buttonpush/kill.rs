//! kill -9 on the real program with real files: nothing that was acknowledged is lost, nothing is doubled.

use std::time::Duration;

use serde_json::json;

use crate::keap::{connect, panel_says};
use crate::program::Program;
use crate::world::{PASSWORD, log_in, sign_up};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::start(&data);
    let mut admin = program.browser();
    let link = admin.get(program.administrator_path.as_ref().unwrap()).await;
    let form = admin.follow(&link).await;
    let fields = [("name", "Ada Admin"), ("email", "ada@example.com"), ("password", PASSWORD)];
    admin.submit_from(&form, "/admin/first", &fields).await.assert_leads_to("/admin");
    connect(&mut admin, &mut program.keap, "allow").await.assert_leads_to("/admin/keap/return");

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
