use auth_guard::user_scoped;
use rocket::routes;

#[user_scoped(param = "account_id")]
#[rocket::get("/tenants/<tenant>/<account_id>")]
fn handler(tenant: &str) -> String {
    format!("{tenant} {account_id}")
}

#[test]
fn compiles() {
    let _ = routes![handler];
}
