//! End to end: the real binaries, a real identity provider, real clients and a real Redis. A module mirrors a surface of
//! the product; a test named after a row (`v12_…`) sends that attack and has a twin that shows the honest request pass.
//! `harness` starts and stops everything; nothing is needed but what `make deps` installs.

#[cfg(test)]
mod harness;
