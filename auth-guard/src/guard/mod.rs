//! Steps 5 to 7: a request → a verdict, and its answer.

mod access;
mod answer;
mod ask;
mod attribute;
mod authenticate;
pub(crate) mod beside_or;
mod caller;
mod context;
mod events;
mod guards;
mod hook;
mod immediate;
mod outcome;
mod owner;
mod ownership;
mod protect;
mod refused;
mod requirement;
mod scopes;
mod segment;
mod state;
mod verified;

pub use access::Access;
pub use attribute::{Guard, Guarded};
pub use caller::Caller;
pub(crate) use context::Context;
pub(crate) use hook::Hook;
pub(crate) use immediate::immediate;
pub use owner::Owner;
pub use protect::{ProtectedRoutes, protect, public};
pub use requirement::{Answer, Question, Requirement, Scope, SegmentQuestion, Unavailable};
pub(crate) use scopes::RouteScopes;
pub use segment::{PathSegment, UserId};
pub use verified::Verified;
