//! End to end: the real binaries, a real identity provider, real clients and a real Redis. A module mirrors a surface of
//! the product; a test named after a row (`v12_…`) sends that attack and has a twin that shows the honest request pass.
//! `harness` starts and stops everything; nothing is needed but what `make deps` installs.
#![cfg_attr(test, expect(clippy::string_slice, reason = "tests cut texts that are ASCII"))]

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod caller;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod honouring;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod saml_idp;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod wire;
