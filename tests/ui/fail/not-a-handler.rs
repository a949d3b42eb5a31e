use auth_guard::user_scoped;

#[user_scoped]
struct Tasks;

fn main() {
    let _ = Tasks;
}
