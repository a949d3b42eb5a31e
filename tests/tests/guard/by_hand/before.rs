use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::serde::Deserialize;
use rocket::{Request, Route, async_trait, get, routes};

#[derive(Deserialize)]
#[serde(crate = "rocket::serde")]
struct Claims {
    uid: String,
}

/// The caller, as the token says.
struct User(String);

#[async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let field = request.headers().get_one("Authorization");
        let Some(token) = field.and_then(|field| field.strip_prefix("Bearer ")) else {
            return Outcome::Error((Status::Unauthorized, ()));
        };
        let Ok(secret) = request.rocket().figment().extract_inner::<String>("jwt_secret") else {
            return Outcome::Error((Status::InternalServerError, ()));
        };

        let key = DecodingKey::from_secret(secret.as_bytes());
        let mut validation = Validation::new(Algorithm::HS256);
        // Tokens have an `aud`, and without this line each of them is refused.
        validation.validate_aud = false;
        match decode::<Claims>(token, &key, &validation) {
            Ok(token) => Outcome::Success(User(token.claims.uid)),
            Err(_) => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[get("/<user_id>/tasks")]
fn tasks(user_id: &str, user: User) -> Result<String, Status> {
    if user.0 != user_id {
        return Err(Status::Forbidden);
    }
    Ok(format!("the tasks of {user_id}"))
}

#[get("/<user_id>/notes")]
fn notes(user_id: &str, _user: User) -> String {
    format!("the notes of {user_id}")
}

pub fn routes() -> Vec<Route> {
    routes![tasks, notes]
}
