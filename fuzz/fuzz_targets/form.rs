//! Any text as a form: no panic, every field read back as it was decoded, and answers that echo it stay well-formed.
#![no_main]

use daypass_broker::api::constraints::{Constraints, Text};
use daypass_broker::api::form::Fields;
use daypass_broker::api::xml::Xml;
use libfuzzer_sys::fuzz_target;

const NAME: Text = Text::new("RoleSessionName", 2, 64);
const SECRET: Text = Text::new("WebIdentityToken", 4, 20_000).secret();

fuzz_target!(|encoded: &str| {
    let Ok(fields) = Fields::parse(encoded) else { return };
    let mut constraints = Constraints::new(&fields);
    constraints.required(&NAME);
    constraints.optional(&SECRET);
    constraints.list("PolicyArns", &Text::new("arn", 20, 2_048), 10);
    let _ = constraints.number("DurationSeconds", 900, 43_200);
    let Err(message) = constraints.finish() else { return };
    let document = Xml::document("ErrorResponse", "", |xml| {
        xml.text("Message", &message);
    });
    let inside = document.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>"));
    assert!(inside.is_some_and(|(text, _)| !text.contains(['<', '>'])), "{document}");
});
