//! A page of another origin, in a browser: it gets a token from Better Auth's own client
//! and calls the API with it.

use std::path::Path;

use super::browser::script;
use super::servers::{ExampleApp, Issuer, SECRET, free_port};

#[test]
fn a_page_of_another_origin_gets_a_token_and_uses_it() {
    for mode in ["hs256", "jwks"] {
        let port = free_port().to_string();
        let api = format!("http://127.0.0.1:{port}");
        let settings =
            [("ISSUER_MODE", mode), ("ISSUER_API", &api), ("ISSUER_VARIANT", "short-lived")];
        let (issuer, stranger) = (Issuer::start(&settings), Issuer::start(&settings));
        let mut settings = vec![
            ("ROCKET_PORT", &*port),
            ("BETTER_AUTH_URL", &issuer.url),
            ("AUTH_GUARD_LEEWAY", "0"),
            ("EXAMPLE_APP_ORIGINS", &issuer.url),
        ];
        if mode == "hs256" {
            settings.push(("BETTER_AUTH_SECRET", SECRET));
        }
        let _app = ExampleApp::start(&settings);

        let screenshot = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("origin-{mode}.png"));
        let visit = script("origin.mjs")
            .envs([("API", &api), ("PAGE", &issuer.url), ("STRANGER", &stranger.url)])
            .env("SCREENSHOT", &screenshot)
            .output()
            .expect("Node 20 or later is installed");
        assert!(visit.status.success(), "{mode}: {}", String::from_utf8_lossy(&visit.stderr));
        println!("a page of another origin, {mode}: see {}", screenshot.display());
    }
}
