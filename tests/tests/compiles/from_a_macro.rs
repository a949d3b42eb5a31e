use auth_guard::user_scoped;
use rocket::routes;

macro_rules! route {
    ($name:ident, $path:expr) => {
        #[user_scoped]
        #[rocket::get($path)]
        fn $name() -> String {
            String::new()
        }
    };
}

route!(handler, "/<user_id>/tasks");

#[test]
fn compiles() {
    let _ = routes![handler];
}
