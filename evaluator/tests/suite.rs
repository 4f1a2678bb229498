//! What the evaluator answers: cases from files, properties, and attacks.

#[cfg(test)]
#[path = "suite/attacks.rs"]
mod attacks;
#[cfg(test)]
#[path = "suite/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "suite/naive.rs"]
mod naive;
#[cfg(test)]
#[path = "suite/properties.rs"]
mod properties;
#[cfg(test)]
#[path = "suite/reasons.rs"]
mod reasons;
#[cfg(test)]
#[path = "suite/support.rs"]
mod support;
