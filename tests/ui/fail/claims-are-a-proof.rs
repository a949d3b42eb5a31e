use auth_guard::Claims;

fn main() {
    let _ = |uid| Claims { uid };
}
