//! What `daypass dev` adds to a broker: a sample site on disk and an identity provider of its own on loopback.
//!
//! Everything made here is marked as made for development, and `daypass serve` refuses it.

mod idp;
mod issuer;
mod site;

pub use idp::serve;
pub use issuer::{Issuer, IssuerError, TokenRequest, TokenRequestError};
pub use site::{Ports, Site, SiteError};
