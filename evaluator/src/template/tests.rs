//! Wildcards and variables, against text that would like to be a pattern.

use super::*;
use crate::context::Context;
use crate::principal::Principal;

const LIKE: Syntax = Syntax { wildcards: true, variables: true };

fn compare(pattern: &str, text: &str) -> Match {
    let mut context = Context::new();
    context.set("t:star", "*").set("t:text", "b/c").set("t:empty", "").set_all("t:two", ["a", "b"]);
    let principal = Principal::Anonymous;
    let request = Request {
        principal,
        action: "a:b",
        resource: "*",
        resource_account: "111122223333",
        context: &context,
    };
    Template::parse(pattern, LIKE).unwrap().compare(text, &request)
}

#[test]
fn wildcards_match_as_globs_do() {
    let yes = [
        ("", ""),
        ("*", ""),
        ("**", "x"),
        ("a*", "a"),
        ("*a", "ba"),
        ("a*b*c", "aXbYc"),
        ("a*b*c", "abbcc"),
        ("?", "é"),
        ("*?", "x"),
        ("a?*c", "abc"),
        ("*ab*ab", "abab"),
        ("a*?b", "axxb"),
        ("*a?c*", "xxabc"),
    ];
    for (pattern, text) in yes {
        assert_eq!(compare(pattern, text), Match::Yes, "{pattern} {text}");
    }
    let no = [
        ("", "a"),
        ("a", ""),
        ("a*b", "a"),
        ("ab*b", "ab"),
        ("*ab*ab", "ab"),
        ("?", ""),
        ("?", "ab"),
        ("a*b*c", "acb"),
        ("a**?b", "ab"),
        ("A*", "a"),
    ];
    for (pattern, text) in no {
        assert_eq!(compare(pattern, text), Match::No, "{pattern} {text}");
    }
}

#[test]
fn variables_stand_for_their_text_only() {
    assert_eq!(compare("a/${t:text}/d", "a/b/c/d"), Match::Yes);
    assert_eq!(compare("*${T:TEXT}*", "xxb/cxx"), Match::Yes);
    assert_eq!(compare("${t:star}", "x"), Match::No);
    assert_eq!(compare("${t:star}", "*"), Match::Yes);
    assert_eq!(compare("a${t:empty}b", "ab"), Match::Yes);
    assert_eq!(compare("${t:none, 'x*'}", "x*"), Match::Yes);
    assert_eq!(compare("${t:none, 'x*'}", "xy"), Match::No);
    assert_eq!(compare("${t:none}*", "x"), Match::Unresolved);
    assert_eq!(compare("${t:two}*", "a"), Match::Unresolved);
    assert_eq!(compare("${*}${?}${$}{", "*?${"), Match::Yes);
}

#[test]
fn malformed_variables_are_refused() {
    for text in ["${", "${a", "${}", "${a, b}", "${ a}", "${a*}", "${a,'b}", "${${a}}"] {
        assert!(Template::parse(text, LIKE).is_err(), "{text}");
        assert!(Template::parse(text, Syntax { variables: false, ..LIKE }).is_ok(), "{text}");
    }
}
