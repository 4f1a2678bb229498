//! Names at their edges.

use super::*;

#[test]
fn session_names_and_source_identities_follow_the_pattern() {
    let longest = "a".repeat(64);
    for sound in ["ab", "a_b+c=d,e.f@g-h", "42", &longest] {
        assert_eq!(SessionName::parse(sound).unwrap().as_str(), sound);
        assert_eq!(SourceIdentity::parse(sound).unwrap().as_str(), sound);
    }
    let longer = "a".repeat(65);
    for wrong in ["", "a", &longer, "a b", "aws:x", "a/b", "é1", "a\n", "a:b", "١٢"] {
        assert!(SessionName::parse(wrong).is_err(), "{wrong:?}");
        assert!(SourceIdentity::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn tags_count_characters_and_ignore_the_case_of_keys() {
    assert!(TagKey::parse(&"ü".repeat(128)).is_ok());
    assert!(TagValue::parse("").is_ok());
    for wrong in ["", "aws:x", "AWS:x", "a*b", "a\tb", &"ü".repeat(129)] {
        assert!(TagKey::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(TagValue::parse(&"x".repeat(257)).is_err());

    let mut tags = Tags::default();
    let value = TagValue::parse("x").unwrap();
    tags.insert(TagKey::parse("Team").unwrap(), value.clone()).unwrap();
    assert!(tags.insert(TagKey::parse("tEAM").unwrap(), value.clone()).is_err());
    assert_eq!(tags.iter().next().unwrap().0.as_str(), "Team", "the case is kept");
    for number in 1..TAGS_AT_MOST {
        tags.insert(TagKey::parse(&number.to_string()).unwrap(), value.clone()).unwrap();
    }
    assert!(tags.insert(TagKey::parse("one more").unwrap(), value).is_err());
}

#[test]
fn account_ids_are_twelve_digits() {
    assert_eq!(AccountId::parse("012345678901").unwrap().as_str(), "012345678901");
    for wrong in ["", "12345678901", "1234567890123", "12345678901x", "１２３４"] {
        assert!(AccountId::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn role_arns_are_read_part_by_part() {
    let arn = RoleArn::parse("arn:aws:iam::111122223333:role/a/b/Deploy").unwrap();
    assert_eq!((arn.account().unwrap().as_str(), arn.name()), ("111122223333", "Deploy"));
    for wrong in [
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:roleDeploy",
        "arn:aws:iam::111122223333:user/Deploy",
        "arn:aws:iam::11112222333:role/Deploy",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::111122223333:role/../Deploy",
        "arn:aws:iam::111122223333:role//Deploy",
        "arn:aws-cn:iam::111122223333:role/Deploy",
        "arn:aws:sts::111122223333:assumed-role/Deploy/x",
    ] {
        assert!(RoleArn::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn policy_arns_name_an_account_or_the_shared_ones() {
    assert!(PolicyArn::parse("arn:aws:iam::aws:policy/ReadOnly").unwrap().account().is_none());
    assert!(PolicyArn::parse("arn:aws:iam::111122223333:policy/team/Read").is_ok());
    for wrong in ["arn:aws:iam::x:policy/Read", "arn:aws:iam::111122223333:policy/", "Read"] {
        assert!(PolicyArn::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_assumed_role_has_no_path() {
    let account = AccountId::parse("111122223333").unwrap();
    let (role, session) = (RoleName::parse("Deploy").unwrap(), SessionName::parse("run-1").unwrap());
    let arn = AssumedRoleArn::new(account, &role, &session);
    assert_eq!(arn.as_str(), "arn:aws:sts::111122223333:assumed-role/Deploy/run-1");
    let id = RoleId::parse("AROADEPLOYDEPLOYDEPLO").unwrap();
    assert_eq!(AssumedRoleId::new(&id, &session).as_str(), "AROADEPLOYDEPLOYDEPLO:run-1");
}

#[test]
fn t20_dots_are_no_names() {
    for wrong in [".", "..", "a/b", ""] {
        assert!(RoleName::parse(wrong).is_err() && PolicyName::parse(wrong).is_err(), "{wrong:?}");
    }
    for wrong in ["/../", "/a/./", "//", "a/", "/a", "/a//b/", "/a b/", ""] {
        assert!(Path::parse(wrong).is_err(), "{wrong:?}");
    }
}
