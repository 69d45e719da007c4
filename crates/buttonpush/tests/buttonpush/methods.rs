use crate::world::World;

/// Each route, and the methods it takes besides HEAD.
const ROUTES: [(&str, &[&str]); 11] = [
    ("/", &["GET"]),
    ("/sign-up", &["GET", "POST"]),
    ("/log-in", &["GET", "POST"]),
    ("/button", &["GET", "POST"]),
    ("/admin", &["GET"]),
    ("/admin/first", &["GET", "POST"]),
    ("/admin/keap", &["GET"]),
    ("/healthz", &["GET"]),
    ("/readyz", &["GET"]),
    ("/assets/x.css", &["GET"]),
    // Last, because it ends the session.
    ("/log-out", &["POST"]),
];

#[tokio::test]
async fn only_the_methods_of_a_route_are_taken() {
    let world = World::new().await;
    let mut browser = world.administrator().await;
    for (path, methods) in ROUTES {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"] {
            let answer = if method == "POST" {
                let page = browser.get("/admin").await;
                browser.clone().submit_from(&page, path, &[]).await
            } else {
                browser.clone().send(method, path, &[], "").await
            };
            let taken = methods.contains(&method);
            assert_eq!(answer.status != 405, taken, "{method} {path}: {}", answer.status);
            if !taken {
                assert!(answer.header("allow").is_some(), "{method} {path}");
                answer.assert_says("does not do that");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_told_without_detail() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    for path in
        ["/nope", "/sign-up/", "/.git/config", "/%2e%2e/etc/passwd", "/assets/", "/assets/..%2fCargo.toml"]
    {
        let answer = browser.get(path).await;
        answer.assert_status(404).assert_says("There is no page here");
        assert!(!answer.body.contains("nope") && !answer.body.contains("passwd"));
    }
    for path in ["/ADMIN", "/admin/%6beap", "/<script>", "/%00"] {
        assert_ne!(browser.get(path).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_no_request_ends_the_connection_only() {
    let world = World::new().await;
    let mut browser = world.anonymous();
    for request in
        ["\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nA\0: b\r\n\r\n"]
    {
        let answer = browser.exchange(request.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    browser.get("/healthz").await.assert_status(200).assert_says("ok");
}
