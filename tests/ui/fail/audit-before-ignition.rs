fn main() {
    let rocket = rocket::build();
    println!("{}", auth_guard::audit(&rocket));
}
