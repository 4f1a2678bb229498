//! The model's constraints on parameters, collected and answered in AWS's own words.

use super::form::Fields;

/// Longest part of a value that an answer repeats.
const MAX_ECHO: usize = 256;

/// Reads parameters and collects every breach, so that one answer names them all.
#[derive(Debug)]
pub struct Constraints<'f> {
    fields: &'f Fields<'f>,
    breaches: Vec<String>,
}

/// The characters of a parameter, and the pattern that says so in answers.
pub type Pattern = (fn(char) -> bool, &'static str);

/// A text parameter's rule, lengths in Unicode scalar values.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The parameter's name on the wire, `RoleArn`.
    pub name: &'static str,
    /// Least length.
    pub min: usize,
    /// Greatest length.
    pub max: usize,
    /// The characters allowed, and the pattern that says so in answers.
    pub pattern: Option<Pattern>,
    /// Whether answers must not repeat the value: proofs and secrets.
    pub secret: bool,
}

impl Text {
    /// A parameter of `min` to `max` characters.
    pub const fn new(name: &'static str, min: usize, max: usize) -> Self {
        Self { name, min, max, pattern: None, secret: false }
    }

    /// The same, of certain characters only.
    pub const fn of(self, allowed: fn(char) -> bool, pattern: &'static str) -> Self {
        Self { pattern: Some((allowed, pattern)), ..self }
    }

    /// The same, never repeated in an answer.
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

impl<'f> Constraints<'f> {
    /// Constraints on the fields of one request.
    pub fn new(fields: &'f Fields<'f>) -> Self {
        Self { fields, breaches: Vec::new() }
    }

    /// A parameter that must be there; empty if it is in breach.
    pub fn required(&mut self, rule: &Text) -> &'f str {
        let Some(value) = self.fields.value(rule.name) else {
            self.breach("null", &member(rule.name), "Member must not be null");
            return "";
        };
        self.check(rule, value, || member(rule.name));
        value
    }

    /// A parameter that may be absent.
    pub fn optional(&mut self, rule: &Text) -> Option<&'f str> {
        let value = self.fields.value(rule.name)?;
        self.check(rule, value, || member(rule.name));
        Some(value)
    }

    /// A list of structures with one text member, such as `PolicyArns.member.1.arn`.
    pub fn list(&mut self, name: &'static str, rule: &Text, most: usize) -> Vec<&'f str> {
        let values = self.fields.members(name, Some(rule.name));
        self.at_most(most, values.len(), &member(name));
        for (index, value) in values.iter().enumerate().take(most) {
            self.check(rule, value, || {
                format!("{}.{}.member.{}", member(name), index + 1, member(rule.name))
            });
        }
        values
    }

    /// A list that was found elsewhere may have so many members.
    pub fn at_most(&mut self, most: usize, length: usize, place: &str) {
        if length > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.breach("null", place, &constraint);
        }
    }

    /// A list of texts, such as `ActionNames.member.1`; the rule, which has the list's name, is for each.
    pub fn texts(&mut self, rule: &Text) -> Vec<&'f str> {
        let values = self.fields.members(rule.name, None);
        for (index, value) in values.iter().enumerate() {
            self.text(rule, value, || format!("{}.{}.member", member(rule.name), index + 1));
        }
        values
    }

    /// A list of texts that must have one.
    pub fn required_texts(&mut self, rule: &Text) -> Vec<&'f str> {
        let values = self.texts(rule);
        if values.is_empty() {
            self.breach("null", &member(rule.name), "Member must not be null");
        }
        values
    }

    /// A text found elsewhere, at the place that answers name.
    pub fn text(&mut self, rule: &Text, value: &str, place: impl Fn() -> String) {
        self.check(rule, value, place);
    }

    /// A text that must be one of several.
    pub fn among(&mut self, value: &str, place: &str, set: &[&str]) {
        if !set.contains(&value) {
            let echo: String = value.chars().take(MAX_ECHO).collect();
            let constraint = format!("Member must satisfy enum value set: [{}]", set.join(", "));
            self.breach(&format!("'{echo}'"), place, &constraint);
        }
    }

    /// A number within bounds, or `Err` with the words for what is not a number at all.
    pub fn number(&mut self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, NotANumber> {
        let Some(text) = self.fields.value(name) else { return Ok(None) };
        let number: i32 = text.parse().map_err(|_| NotANumber)?;
        if i64::from(number) < i64::from(least) {
            let constraint = format!("Member must have value greater than or equal to {least}");
            self.breach(&format!("'{number}'"), &member(name), &constraint);
        } else if i64::from(number) > i64::from(most) {
            let constraint = format!("Member must have value less than or equal to {most}");
            self.breach(&format!("'{number}'"), &member(name), &constraint);
        }
        Ok(u32::try_from(number).ok())
    }

    /// Nothing, or the answer's message that names every breach.
    pub fn finish(self) -> Result<(), String> {
        match self.breaches.len() {
            0 => Ok(()),
            1 => Err(format!("1 validation error detected: {}", self.breaches.concat())),
            count => Err(format!("{count} validation errors detected: {}", self.breaches.join("; "))),
        }
    }

    fn check(&mut self, rule: &Text, value: &str, place: impl Fn() -> String) {
        let length = value.chars().count();
        let mut breach = |constraint: &str| {
            let echo =
                if rule.secret { "***".into() } else { value.chars().take(MAX_ECHO).collect::<String>() };
            self.breach(&format!("'{echo}'"), &place(), constraint);
        };
        if length < rule.min {
            breach(&format!("Member must have length greater than or equal to {}", rule.min));
        } else if length > rule.max {
            breach(&format!("Member must have length less than or equal to {}", rule.max));
        }
        if let Some((allowed, pattern)) = rule.pattern
            && !value.chars().all(allowed)
        {
            breach(&format!("Member must satisfy regular expression pattern: {pattern}"));
        }
    }

    fn breach(&mut self, value: &str, place: &str, constraint: &str) {
        self.breaches.push(format!("Value {value} at '{place}' failed to satisfy constraint: {constraint}"));
    }
}

/// A parameter that should be a 32-bit integer is something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber;

/// A wire name as the model's member: `RoleArn` is `roleArn`.
fn member(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Text = Text::new("RoleSessionName", 2, 4).of(|c| c.is_ascii_alphanumeric(), "[a-z]*");

    fn answer(form: &str, read: impl FnOnce(&mut Constraints<'_>)) -> Result<(), String> {
        let fields = Fields::parse(form).unwrap();
        let mut constraints = Constraints::new(&fields);
        read(&mut constraints);
        constraints.finish()
    }

    fn named(value: &str) -> Result<(), String> {
        answer(&format!("RoleSessionName={value}"), |c| {
            c.required(&NAME);
        })
    }

    #[test]
    fn breaches_are_answered_in_the_words_of_the_model() {
        assert_eq!(named("abc"), Ok(()));
        assert_eq!(
            named("a").unwrap_err(),
            "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: \
             Member must have length greater than or equal to 2"
        );
        assert_eq!(
            named("a-b-c").unwrap_err(),
            "2 validation errors detected: Value 'a-b-c' at 'roleSessionName' failed to satisfy constraint: Member \
             must have length less than or equal to 4; Value 'a-b-c' at 'roleSessionName' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [a-z]*"
        );
        let missing = answer("A=b", |c| {
            c.required(&NAME);
        });
        assert_eq!(
            missing.unwrap_err(),
            "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must \
             not be null"
        );
    }

    #[test]
    fn t22_a_proof_in_breach_is_not_repeated() {
        let told = answer("RoleSessionName=supersecret", |c| {
            c.required(&NAME.secret());
        });
        assert!(!told.unwrap_err().contains("supersecret"));
    }

    #[test]
    fn t04_numbers_are_32_bit_and_bounded() {
        let read = |value: &str| {
            let mut parsed = Ok(None);
            let told = answer(&format!("DurationSeconds={value}"), |c| {
                parsed = c.number("DurationSeconds", 900, 43_200);
            });
            (parsed, told.is_ok())
        };
        assert_eq!(read("%2B900"), (Ok(Some(900)), true));
        assert_eq!(read("0900"), (Ok(Some(900)), true));
        assert!(!read("899").1);
        assert!(!read("43201").1);
        assert!(!read("-1").1);
        for not_a_number in ["", "900.0", "1e3", "2147483648", "abc"] {
            assert_eq!(read(not_a_number).0, Err(NotANumber), "{not_a_number}");
        }
    }
}
