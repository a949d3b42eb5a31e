use auth_guard::user_scoped;

struct Tasks;

impl Tasks {
    #[user_scoped]
    fn list(&self) {}
}

fn main() {
    Tasks.list();
}
