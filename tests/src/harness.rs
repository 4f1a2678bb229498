//! Starts the servers that a test needs, asks them as clients do, and stops them when the test ends.

mod answer;
mod broker;
mod browser;
mod client;
mod form;
mod idp;
mod installed;
mod issuer;
mod process;
mod redis;
mod s3;
pub(crate) mod saml;
mod saml_idp;
mod site;
mod time;

pub(crate) use self::redis::Redis;
pub(crate) use answer::{Answer, assert_refused, exchange, try_exchange};
pub(crate) use broker::{Broker, CALLER, Credentials, FORM, Ran};
pub(crate) use client::{Client, JAVASCRIPT, PYTHON};
pub(crate) use form::form;
pub(crate) use idp::Idp;
pub(crate) use issuer::Issuer;
pub(crate) use s3::S3;
pub(crate) use saml::SamlIdp;
pub(crate) use saml_idp::{ACS, CorporateIdp, Signed};
pub(crate) use site::{ACCOUNT, Site, document, limits, role};
pub(crate) use time::{now, seconds};
