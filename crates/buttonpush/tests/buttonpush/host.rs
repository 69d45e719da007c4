use crate::world::World;

#[tokio::test]
async fn another_name_of_this_machine_leads_to_the_public_one() {
    let world = World::new().await;
    let browser = world.anonymous();
    let port = world.running.address.port();
    for host in
        [format!("localhost:{port}"), "evil.example".to_owned(), format!("127.0.0.1:{port}.evil.example")]
    {
        let request =
            format!("GET /log-in?next=/button HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = browser.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 307"), "{answer}");
        assert!(
            answer.contains(&format!("location: {}/log-in?next=/button\r\n", world.running.origin)),
            "{answer}"
        );
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
    let probe = browser.exchange(b"GET /healthz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n").await;
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
}

#[tokio::test]
async fn behind_https_the_proxy_decides_about_names() {
    let world = World::https().await;
    let browser = world.anonymous();
    let answer = browser.exchange(b"GET / HTTP/1.1\r\nHost: internal\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
