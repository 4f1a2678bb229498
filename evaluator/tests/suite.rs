//! What the evaluator answers: cases from files, properties, and attacks.

#[cfg(test)]
#[path = "suite/attacks.rs"]
mod attacks;
#[cfg(test)]
#[path = "suite/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "suite/generate.rs"]
mod generate;
#[cfg(test)]
#[path = "suite/generate_conditions.rs"]
mod generate_conditions;
#[cfg(test)]
#[path = "suite/plain.rs"]
mod plain;
#[cfg(test)]
#[path = "suite/plain_caller.rs"]
mod plain_caller;
#[cfg(test)]
#[path = "suite/plain_conditions.rs"]
mod plain_conditions;
#[cfg(test)]
#[path = "suite/plain_text.rs"]
mod plain_text;
#[cfg(test)]
#[path = "suite/properties.rs"]
mod properties;
#[cfg(test)]
#[path = "suite/reasons.rs"]
mod reasons;
#[cfg(test)]
#[path = "suite/support.rs"]
mod support;
