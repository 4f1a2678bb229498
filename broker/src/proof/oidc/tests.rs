//! Attacks on tokens, and the honest twins that pass.
