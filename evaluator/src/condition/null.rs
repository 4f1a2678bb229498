//! `Null`: `true` asks that the key be absent, `false` that it be there.

use super::{BadValue, Truth, boolean, compile_each};

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    absent: bool,
    present: bool,
}

impl Wanted {
    pub(super) fn compile(values: &[String]) -> Result<Self, BadValue> {
        let values = compile_each(values, |value| boolean::parse(value).ok_or("write `true` or `false`"))?;
        Ok(Self { absent: values.contains(&true), present: values.contains(&false) })
    }

    pub(super) const fn truth(&self, is_absent: bool) -> Truth {
        Truth::of(if is_absent { self.absent } else { self.present })
    }
}
