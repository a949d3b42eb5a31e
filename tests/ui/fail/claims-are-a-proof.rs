use auth_guard::Claims;

fn main() {
    let _ = Claims { uid: todo!() };
}
