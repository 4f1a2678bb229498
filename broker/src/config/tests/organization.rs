//! Organizations that load: whom the levels reach, and how many policies a level may have.

use super::*;

fn policies(loaded: &Loaded, account: &str) -> (Vec<String>, Vec<String>) {
    let organization = loaded.snapshot.directory.organization();
    let account = crate::role::AccountId::parse(account).unwrap();
    let names = |sets: Vec<&daypass_evaluator::Policies>| {
        let names = |set: &daypass_evaluator::Policies| {
            let stem = |statement: daypass_evaluator::StatementView<'_>| {
                Path::new(statement.policy()).file_stem().unwrap().to_str().unwrap().to_owned()
            };
            set.statements().map(stem).collect::<Vec<_>>().join("+")
        };
        sets.into_iter().map(names).collect()
    };
    (names(organization.service_control(&account)), names(organization.resource_control(&account)))
}

fn with(folder: &Path, files: &[(&str, &str)]) -> Result<Loaded, Diagnostics> {
    let config = copied(folder);
    for (name, text) in files {
        let path = folder.join("directory").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    compile(&Tree::read(&config))
}

const DENY: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}}"#;

#[test]
fn an_account_is_under_every_level_from_the_root_to_its_own_unit() {
    let folder = tempfile::tempdir().unwrap();
    let organization = r#"
        [[ou]]
        path = "prod/eu"
        accounts = ["111122223333"]
        scps = ["NoQueues", "FullAWSAccess"]
        [root]
        scps = ["FullAWSAccess"]
        accounts = ["444455556666"]
        [[ou]]
        path = "prod"
        rcps = ["OverTls"]
        [[ou]]
        path = "production"
        scps = ["NoDelete"]
    "#;
    let files = [
        ("organization.toml", organization),
        ("organization/scps/NoQueues.json", DENY),
        ("444455556666/account.toml", "name = \"Test\"\n"),
    ];
    let loaded = with(folder.path(), &files).unwrap();
    let (scps, rcps) = policies(&loaded, "111122223333");
    assert_eq!(scps, ["FullAWSAccess", "FullAWSAccess+NoQueues"]);
    assert_eq!(rcps, ["RCPFullAWSAccess+OverTls"]);
    let (scps, rcps) = policies(&loaded, "444455556666");
    assert_eq!((scps.as_slice(), rcps.len()), (["FullAWSAccess".to_owned()].as_slice(), 0));
    assert_eq!(policies(&loaded, "999999999999"), (vec![], vec![]));
}

#[test]
fn without_an_organization_no_account_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let config = copied(folder.path());
    std::fs::remove_file(folder.path().join("directory/organization.toml")).unwrap();
    std::fs::remove_dir_all(folder.path().join("directory/organization")).unwrap();
    let loaded = compile(&Tree::read(&config)).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert_eq!(policies(&loaded, "111122223333"), (vec![], vec![]));
}

#[test]
fn a_level_has_at_most_five_policies_of_a_type() {
    for (count, loads) in [(4, true), (5, false)] {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..count).map(|number| format!("No{number}")).collect();
        let listed: String = names.iter().map(|name| format!(", {name:?}")).collect();
        let organization =
            format!("[root]\naccounts = [\"111122223333\"]\nscps = [\"FullAWSAccess\"{listed}]\n");
        let paths: Vec<String> = names.iter().map(|name| format!("organization/scps/{name}.json")).collect();
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), DENY)).collect();
        files.push(("organization.toml", &organization));
        match with(folder.path(), &files) {
            Ok(_) => assert!(loads),
            Err(found) => {
                let told =
                    |one: &Diagnostic| one.line == 3 && one.message == "more than 5 policies are attached";
                assert!(!loads && found.iter().any(told), "{found}");
            }
        }
    }
}
