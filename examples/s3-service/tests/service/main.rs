//! The service end to end: its own listener and disk, before a broker whose signature checks are real.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod sessions;
