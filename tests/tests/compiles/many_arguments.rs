use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped]
#[rocket::get("/<user_id>/<a>/<b>/<c>/<d>/<e>/<f>/<g>")]
fn handler(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> String {
    format!("{user_id} {}", a + b + c + d + e + f + g)
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
