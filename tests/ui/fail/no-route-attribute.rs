use auth_guard::user_scoped;

#[user_scoped]
fn list(user_id: &str) -> &str {
    user_id
}

fn main() {
    let _ = list("alice");
}
