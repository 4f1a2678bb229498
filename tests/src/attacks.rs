//! Attacks sent to a running broker, each with the exact answer and a twin that shows the honest request pass.

mod saml;
mod signature;
mod state;
mod token;
mod transport;
mod trust;
