//! Trees that load, and trees that are refused with file, line and words.

mod cases;
mod disk;
mod mutants;
mod organization;

use std::path::{Path, PathBuf};

use super::*;
use crate::error::Severity;

/// The sound configuration that the cases change; on disk as an operator would have it.
fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tests/base/daypass.toml")
}

/// Writes a copy of the sound configuration and gives the path of its `daypass.toml`.
fn copied(folder: &Path) -> PathBuf {
    let tree = Tree::read(&base());
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let config = folder.join("daypass.toml");
    write(&config, &tree.config.as_ref().unwrap().text);
    for (name, source) in &tree.files {
        write(&folder.join("directory").join(name), &source.text);
    }
    config
}

#[test]
fn a_sound_tree_loads_without_a_warning() {
    let loaded = compile(&Tree::read(&base())).map_err(|found| found.to_text(false)).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    let directory = &loaded.snapshot.directory;

    let arn = "arn:aws:iam::111122223333:role/ci/Deploy";
    let deploy = directory.role(arn).unwrap();
    assert_eq!(deploy.id.as_str(), "AROADEPLOYDEPLOYDEPLO");
    assert_eq!(deploy.max_session_duration.as_secs(), 7200);
    assert_eq!(directory.role_by_id("AROADEPLOYDEPLOYDEPLO").unwrap().arn.as_str(), arn);
    assert!(directory.role("arn:aws:iam::111122223333:role/Deploy").is_none(), "the path belongs to the ARN");

    let account = deploy.account;
    assert_eq!(directory.account(&account).unwrap().name, "Production");
    let issuer = "https://token.actions.githubusercontent.com";
    let provider = directory.oidc_provider(&account, issuer).unwrap();
    assert_eq!(provider.id(), "github-7Q2M");
    assert!(directory.oidc_provider_by_arn(provider.arn()).is_some());
    assert!(directory.oidc_provider(&account, &format!("{issuer}/")).is_none());

    let gateway = "arn:aws:iam::111122223333:role/Gateway";
    assert_eq!(directory.service_for_caller(gateway).unwrap().service, "orders");
    assert!(directory.service_for_caller(arn).is_none());
    assert!(directory.managed_policy("arn:aws:iam::aws:policy/ReadOnly").is_some());
}

#[test]
fn statements_of_a_role_name_the_policy_they_come_from() {
    let loaded = compile(&Tree::read(&base())).unwrap();
    let role = loaded.snapshot.directory.role("arn:aws:iam::111122223333:role/ci/Deploy").unwrap();
    let policies: Vec<&str> = role.identity.statements().map(|statement| statement.policy()).collect();
    let [inline, read, shared] = policies.as_slice() else { panic!("{policies:?}") };
    assert!(inline.ends_with("roles/Deploy/policies/deploy.json"), "{inline}");
    assert_eq!(*read, "arn:aws:iam::111122223333:policy/Read");
    assert_eq!(*shared, "arn:aws:iam::aws:policy/ReadOnly");
}

#[test]
fn t16_a_role_named_in_a_trust_policy_is_pinned_to_its_id() {
    use daypass_evaluator::{Applicable, Context, Principal, Request, evaluate};
    let loaded = compile(&Tree::read(&base())).unwrap();
    let gateway = loaded.snapshot.directory.role("arn:aws:iam::111122223333:role/Gateway").unwrap();
    let allowed = |id: &str| {
        let context = Context::new();
        let request = Request {
            principal: Principal::RoleSession {
                role_arn: "arn:aws:iam::111122223333:role/ci/Deploy",
                session_arn: "arn:aws:sts::111122223333:assumed-role/Deploy/run",
                id,
            },
            action: "sts:AssumeRole",
            resource: gateway.arn.as_str(),
            resource_account: "111122223333",
            context: &context,
        };
        let applicable = Applicable { resource: Some(&gateway.trust), ..Applicable::default() };
        evaluate(&request, &applicable).is_allowed()
    };
    assert!(allowed("AROADEPLOYDEPLOYDEPLO:run"));
    assert!(!allowed("AROARECREATEDRECREATE:run"), "a recreated namesake must gain nothing");
}

#[test]
fn t16_a_user_named_in_a_trust_policy_is_pinned_to_its_id() {
    use daypass_evaluator::{Applicable, Context, Principal, Request, evaluate};
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let trust = folder.path().join("directory/111122223333/roles/Gateway/trust.json");
    let text = std::fs::read_to_string(&trust).unwrap();
    std::fs::write(&trust, text.replace("role/ci/Deploy", "user/kim")).unwrap();
    let loaded = compile(&Tree::read(&config)).unwrap();
    let gateway = loaded.snapshot.directory.role("arn:aws:iam::111122223333:role/Gateway").unwrap();
    let allowed = |id: &str| {
        let context = Context::new();
        let request = Request {
            principal: Principal::User { arn: "arn:aws:iam::111122223333:user/kim", id },
            action: "sts:AssumeRole",
            resource: gateway.arn.as_str(),
            resource_account: "111122223333",
            context: &context,
        };
        let applicable = Applicable { resource: Some(&gateway.trust), ..Applicable::default() };
        evaluate(&request, &applicable).is_allowed()
    };
    assert!(allowed("AIDAKIMKIMKIMKIMKIMKI"));
    assert!(!allowed("AIDARECREATEDRECREATE"), "a recreated namesake must gain nothing");
}

#[test]
fn a_resource_and_all_below_it_have_one_policy() {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let loaded = compile(&Tree::read(&config)).unwrap();
    let directory = &loaded.snapshot.directory;
    let account = crate::role::AccountId::parse("111122223333").unwrap();
    let other = crate::role::AccountId::parse("444455556666").unwrap();
    let has =
        |account, name: &str| directory.resource_policy(account, &format!("arn:aws:s3:::{name}")).is_some();
    assert!(has(&account, "reports") && has(&account, "reports/a/b") && has(&account, "reports/~"));
    assert!(!has(&account, "report") && !has(&account, "reports-2/a") && !has(&account, "reports2"));
    assert!(!has(&other, "reports"));

    let beside = folder.path().join("directory/111122223333/resource-policies");
    let text = std::fs::read_to_string(beside.join("Reports/policy.json")).unwrap();
    for (arn, loads) in [("reports", false), ("reports/a", false), ("reports-a", true)] {
        std::fs::create_dir_all(beside.join("Second")).unwrap();
        std::fs::write(beside.join("Second/policy.json"), &text).unwrap();
        let arn = format!("arn = \"arn:aws:s3:::{arn}\"\n");
        std::fs::write(beside.join("Second/resource.toml"), arn).unwrap();
        match compile(&Tree::read(&config)) {
            Ok(_) => assert!(loads),
            Err(found) => assert!(!loads && found.to_text(false).contains("has another policy"), "{found}"),
        }
    }
}

#[test]
fn a_user_is_in_at_most_ten_groups() {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let account = folder.path().join("directory/111122223333");
    for (count, loads) in [(10, true), (11, false)] {
        let names: Vec<String> = (0..count).map(|number| format!("g{number}")).collect();
        for (number, name) in names.iter().enumerate() {
            let group = account.join("groups").join(name);
            std::fs::create_dir_all(&group).unwrap();
            let letter = char::from(b'A' + u8::try_from(number).unwrap());
            let id = format!("id = \"AGPA{}\"\n", String::from(letter).repeat(17));
            std::fs::write(group.join("group.toml"), id).unwrap();
        }
        let user = format!("id = \"AIDAKIMKIMKIMKIMKIMKI\"\ngroups = {names:?}\n");
        std::fs::write(account.join("users/kim/user.toml"), user).unwrap();
        match compile(&Tree::read(&config)) {
            Ok(_) => assert!(loads),
            Err(found) => {
                let told =
                    |one: &Diagnostic| one.line == 2 && one.message == "the user is in more than 10 groups";
                assert!(!loads && found.iter().any(told), "{found}");
            }
        }
    }
}

#[test]
fn every_error_is_told_at_once_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let root = folder.path().join("directory/111122223333");
    std::fs::write(root.join("account.toml"), "").unwrap();
    std::fs::write(root.join("policies/Read.json"), "{").unwrap();
    std::fs::write(root.join("services/orders.toml"), "id = \"x\"\nservice = \"sts\"\n").unwrap();
    let found = compile(&Tree::read(&config)).unwrap_err();
    let files: Vec<_> = found.iter().map(|one| one.file.file_name().unwrap().to_str().unwrap()).collect();
    for file in ["account.toml", "Read.json", "orders.toml"] {
        assert!(files.contains(&file), "{file} is not in {files:?}");
    }
    let mut ordered: Vec<_> = found.iter().map(|one| (one.file.clone(), one.line)).collect();
    ordered.sort();
    assert_eq!(ordered, found.iter().map(|one| (one.file.clone(), one.line)).collect::<Vec<_>>());
    assert!(found.iter().all(|one| one.severity == Severity::Warning || one.fix.is_some()), "{found}");
}

/// The sound tree with the provider's issuer and the trust policy's condition changed.
fn with_issuer(folder: &Path, issuer: &str, condition: &str) -> Result<Loaded, Diagnostics> {
    let config = copied(folder);
    let account = folder.join("directory/111122223333");
    let provider = account.join("oidc-providers/github.toml");
    let text = std::fs::read_to_string(&provider).unwrap();
    std::fs::write(&provider, text.replace("token.actions.githubusercontent.com", issuer)).unwrap();
    let trust = format!(
        r#"{{ "Version": "2012-10-17", "Statement": {{ "Effect": "Allow",
            "Principal": {{ "Federated": "arn:aws:iam::111122223333:oidc-provider/{issuer}" }},
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {{ {condition} }} }} }}"#
    );
    std::fs::write(account.join("roles/Deploy/trust.json"), trust).unwrap();
    compile(&Tree::read(&config))
}

#[test]
fn j29_a_cluster_needs_a_service_account_and_a_private_issuer_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let audience = r#""StringEquals": { "ISSUER:aud": "sts.amazonaws.com" }"#;
    let subject = r#""StringLike": { "ISSUER:sub": "system:serviceaccount:shop:*" }"#;
    for (issuer, shared) in [
        ("oidc.eks.eu-west-1.amazonaws.com/id/0A1B", true),
        ("kubernetes.default.svc", true),
        ("idp.corp.test/realms/main", false),
    ] {
        let lets_everyone_in = |found: &Diagnostics| {
            found.iter().any(|one| one.message.starts_with("this statement lets in every identity"))
        };
        match with_issuer(folder.path(), issuer, &audience.replace("ISSUER", issuer)) {
            Err(found) => assert!(shared && lets_everyone_in(&found), "{issuer}: {found}"),
            Ok(loaded) => assert!(!shared && lets_everyone_in(&loaded.warnings), "{issuer}"),
        }
        let loaded = with_issuer(folder.path(), issuer, &subject.replace("ISSUER", issuer));
        assert!(loaded.unwrap().warnings.is_empty(), "{issuer}");
    }
}

#[test]
fn j36_gitlab_by_names_alone_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let by_name =
        r#""StringEquals": { "gitlab.com:sub": "project_path:corp/shop:ref_type:branch:ref:main" }"#;
    let loaded = with_issuer(folder.path(), "gitlab.com", by_name).unwrap();
    assert!(loaded.warnings.iter().any(|one| one.fix.as_ref().unwrap().contains("gitlab.com:project_id")));
    let by_id = by_name.replace(" }", r#", "gitlab.com:project_id": "42" }"#);
    assert!(with_issuer(folder.path(), "gitlab.com", &by_id).unwrap().warnings.is_empty());
}

#[test]
fn t22_a_password_in_the_settings_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    let text = std::fs::read_to_string(&config).unwrap();
    for value in ["redis://u:hunter2@h", "redis://hunter2@", "foo:hunter2@h"] {
        std::fs::write(&config, format!("{text}\n[state]\nurl = \"{value}\"\nusername = 1\n")).unwrap();
        let found = compile(&Tree::read(&config)).unwrap_err();
        let shown = format!("{found}{}", serde_json::to_string(&found).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
