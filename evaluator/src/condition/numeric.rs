//! Numeric operators, on exact decimals: no rounding makes two different numbers equal.

use super::{BadValue, Order, Truth, compile_each};

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    order: Order,
    values: Vec<Decimal>,
}

impl Wanted {
    pub(super) fn compile(order: Order, values: &[String]) -> Result<Self, BadValue> {
        let parse =
            |value: &str| Decimal::parse(value).ok_or("write a number of at most 18 digits on either side");
        Ok(Self { order, values: compile_each(values, parse)? })
    }

    pub(super) fn any(&self, seen: &str) -> Truth {
        Decimal::parse(seen).map_or(Truth::Undecidable, |seen| {
            Truth::of(self.values.iter().any(|wanted| self.order.holds(&seen, wanted)))
        })
    }
}

/// A number in units of 10^-18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Decimal(i128);

const PLACES: u32 = 18;

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let well_formed =
            |part: &str| (1..=18).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !well_formed(integer) || !well_formed(fraction) {
            return None;
        }
        let missing = PLACES.checked_sub(u32::try_from(fraction.len()).ok()?)?;
        let whole = integer.parse::<i128>().ok()?.checked_mul(10_i128.pow(PLACES))?;
        let part = fraction.parse::<i128>().ok()?.checked_mul(10_i128.pow(missing))?;
        let magnitude = whole.checked_add(part)?;
        Some(Self(if negative { -magnitude } else { magnitude }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_exactly() {
        let parse = |text| Decimal::parse(text);
        assert_eq!(parse("10"), parse("10.000"));
        assert_eq!(parse("-0"), parse("0.0"));
        assert!(parse("0.1") < parse("0.100000000000000001"));
        assert!(parse("-2") < parse("-1.5"));
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in
            ["", "-", ".5", "5.", "1e3", "0x10", "1 ", "1,5", "NaN", "1234567890123456789", "--1", "٣"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
