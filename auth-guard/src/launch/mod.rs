//! Puts everything together: the configuration and the audit at ignition, the challenge
//! and the problem body on the response.

mod callbacks;
mod catchers;
mod config;
mod fairing;
mod metadata;
mod report;

#[cfg(feature = "testing")]
pub(crate) use catchers::CATCHER;
pub use config::error::{ConfigError, ConfigErrors};
pub use fairing::AuthGuard;
