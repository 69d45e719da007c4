//! A page that panics must not take the program with it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt as _;

use crate::world::World;

#[tokio::test]
async fn a_panic_becomes_a_page_with_all_headers() {
    let world = World::new().await;
    let panel =
        Router::new().route("/callback", get(async || -> &'static str { panic!("a secret in a panic") }));
    let router = buttonpush::web::router(world.running.app().clone(), panel);
    for _ in 0..2 {
        let request = Request::get("/admin/keap/callback").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        let body = Arc::new(String::from_utf8(body.to_vec()).unwrap());
        assert!(body.contains("Something went wrong here") && body.contains("Reference:"), "{body}");
        assert!(!body.contains("secret"));
    }
}
