//! Cases of `cases.toml`: a change to the sound tree, what must be said about it, and a change that loads.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{super::report::Source, *};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// One case; see the head of `cases.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    file: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    replace: Option<[String; 2]>,
    #[serde(default)]
    warning: bool,
    #[serde(default)]
    at: Option<String>,
    line: usize,
    message: String,
    #[serde(default)]
    cause: Option<String>,
    #[serde(default)]
    fix: Option<String>,
    #[serde(default)]
    twin: Option<String>,
    #[serde(default)]
    twin_replace: Option<[String; 2]>,
}

static CASES: LazyLock<BTreeMap<String, Case>> = LazyLock::new(|| {
    let cases: Cases = toml::from_str(include_str!("cases.toml")).unwrap();
    cases.case.into_iter().map(|case| (case.name.clone(), case)).collect()
});

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { run(&CASES[stringify!($name)]); })*

        #[test]
        fn every_case_is_run() {
            let run = [$(stringify!($name)),*];
            let left: Vec<_> = CASES.keys().filter(|name| !run.contains(&name.as_str())).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    };
}

cases! {
    unknown_field_of_the_settings,
    toml_that_does_not_parse,
    missing_public_url,
    listen_that_is_no_address,
    plain_http_for_other_machines,
    certificate_without_key,
    h07_every_address_as_proxy,
    a_proxy_that_is_no_range,
    a_host_that_is_none,
    no_host_at_all,
    sentinel_is_not_available_yet,
    cluster_is_not_available_yet,
    t22_a_password_in_the_url,
    a_password_for_the_embedded_store,
    a_ca_without_tls,
    a_limit_of_nothing,
    a_duration_without_unit,
    a_duration_as_number,
    one_file_for_both_trails,
    the_audit_trail_as_keyring,
    the_audit_trail_as_the_state,
    refusals_over_the_mark_of_the_clock_beside_the_trail,
    refusals_that_rotate_into_the_trail,
    the_key_of_tls_as_socket,
    h06_telemetry_for_other_machines,
    a_string_as_table,
    a_file_without_a_place,
    a_folder_that_is_no_account,
    an_account_of_eleven_digits,
    a_strange_file_of_a_role,
    access_keys_are_not_loaded_yet,
    a_strange_file_of_a_user,
    a_strange_file_of_a_group,
    a_user_without_its_file,
    a_group_without_its_file,
    a_user_without_id,
    a_user_with_a_roles_id,
    a_group_with_a_users_id,
    t16_one_id_for_two_users,
    t20_a_user_whose_name_is_none,
    t20_a_group_whose_name_is_none,
    an_unknown_field_of_a_user,
    a_group_has_no_boundary,
    a_group_that_is_not_there,
    a_group_named_twice,
    a_managed_policy_of_a_user_that_is_not_there,
    inline_policies_of_a_user_too_long,
    a_trusted_user_that_is_not_there,
    an_unknown_field_of_a_unit,
    a_unit_without_a_path,
    an_account_in_two_units,
    an_account_that_is_not_there,
    an_account_outside_of_the_organization,
    an_scp_that_is_not_there,
    an_rcp_that_is_not_there,
    an_scp_twice,
    no_scp_at_all,
    an_scp_attached_to_nothing,
    an_rcp_attached_to_nothing,
    scps_that_only_deny,
    a_unit_without_its_parent,
    a_unit_twice,
    a_unit_too_deep,
    t20_a_unit_whose_name_is_none,
    control_policies_without_an_organization,
    a_strange_file_of_the_organization,
    an_scp_whose_name_is_none,
    an_scp_with_the_name_of_full_access,
    an_scp_that_names_a_principal,
    an_rcp_that_allows,
    a_saml_provider_without_its_file,
    a_saml_provider_without_metadata,
    a_saml_provider_without_id,
    s54_metadata_of_another_entity,
    s54_metadata_of_several_entities,
    s54_metadata_that_would_be_fetched,
    s31_metadata_with_a_dtd,
    metadata_without_a_certificate_to_verify_with,
    metadata_that_no_provider_names,
    a_strange_file_of_a_saml_provider,
    a_saml_provider_without_recipients,
    a_saml_provider_that_encrypts,
    s38_a_saml_provider_whose_assertions_serve_again,
    trust_anchors_are_not_loaded_yet,
    profiles_are_not_loaded_yet,
    a_resource_policy_without_its_resource,
    a_resource_without_its_policy,
    a_strange_file_of_a_resource,
    t18_a_policy_for_another_accounts_resource,
    a_policy_for_many_resources,
    t21_a_policy_for_a_resource_of_the_brokers,
    a_resource_policy_without_a_principal,
    a_principal_of_a_resource_policy_that_is_not_there,
    an_account_without_its_file,
    a_policy_that_is_no_json_file,
    a_role_without_id,
    a_role_with_a_malformed_id,
    t16_one_id_for_two_roles,
    a_provider_without_id,
    a_service_without_id,
    a_session_longer_than_twelve_hours,
    t20_dots_in_a_path,
    a_wildcard_in_a_path,
    a_reserved_tag,
    tags_that_differ_in_case_only,
    a_managed_policy_that_is_not_there,
    a_managed_policy_of_another_account,
    a_managed_policy_twice,
    a_boundary_that_is_not_there,
    a_role_without_trust,
    a_role_without_its_file,
    t20_a_role_whose_name_is_none,
    a_policy_whose_name_is_none,
    j29_github_without_a_subject,
    j29_github_with_any_subject,
    j29_github_with_any_owner,
    j29_github_with_owners_that_start_alike,
    j29_github_with_a_cut_scheme,
    j29_github_with_a_subject_that_may_be_absent,
    j29_github_with_a_subject_excluded,
    j29_github_with_its_own_subject,
    j36_github_by_names_alone,
    t01_everyone_without_a_condition,
    a_trusted_role_that_is_not_there,
    a_trusted_role_without_its_path,
    a_trusted_provider_that_is_not_there,
    a_trusted_provider_of_another_account,
    t13_a_key_twice_in_a_policy,
    t13_an_unknown_field_in_a_policy,
    t12_a_huge_policy,
    a_policy_that_is_cut,
    a_provider_by_http,
    a_provider_without_client_ids,
    j01_a_provider_without_algorithm,
    a_provider_with_es512,
    a_provider_with_an_hours_skew,
    j38_another_host_of_the_broker_as_provider,
    j38_the_broker_as_its_own_provider,
    an_issuer_twice,
    keys_from_two_places,
    t20_a_ca_outside_by_dots,
    a_file_that_no_provider_names,
    t21_a_service_with_the_brokers_name,
    j31_a_service_whose_own_keys_would_be_the_brokers,
    a_service_for_every_resource,
    t18_a_service_for_another_account,
    a_caller_that_is_not_there,
    a_service_without_callers,
    t18_a_caller_of_another_account,
    a_caller_of_two_services,
    routes_that_tie,
    a_route_to_another_services_action,
    a_resource_with_a_name_the_path_lacks,
    a_path_with_a_pattern,
}

fn run(case: &Case) {
    let attack = compile(&changed(case, case.text.as_deref(), case.replace.as_ref()));
    let found = match (attack, case.warning) {
        (Ok(loaded), true) => loaded.warnings,
        (Err(found), false) => found,
        (Ok(_), false) => panic!("it loads"),
        (Err(found), true) => panic!("it doesn't load:\n{found}"),
    };
    let severity = if case.warning { Severity::Warning } else { Severity::Error };
    let file = case.at.as_ref().unwrap_or(&case.file);
    let told = found.iter().any(|one| {
        let part = |whole: &Option<String>, part: &Option<String>| {
            part.as_ref().is_none_or(|part| whole.as_ref().is_some_and(|whole| whole.contains(part)))
        };
        one.severity == severity
            && one.file.ends_with(file)
            && one.line == case.line
            && one.message == case.message
            && part(&one.cause, &case.cause)
            && part(&one.fix, &case.fix)
    });
    assert!(told, "wanted {file}:{}: {}\n{found}", case.line, case.message);
    assert!(found.iter().all(|one| one.fix.is_some()), "{found}");
    if case.at.is_none() {
        let others: Vec<_> = found.iter().filter(|one| !one.file.ends_with(file)).collect();
        assert!(others.is_empty(), "{others:#?}");
    }
    if case.twin.is_some() || case.twin_replace.is_some() {
        let loaded = compile(&changed(case, case.twin.as_deref(), case.twin_replace.as_ref()));
        let warnings = loaded.map_err(|found| panic!("the twin doesn't load:\n{found}")).unwrap().warnings;
        assert!(!warnings.iter().any(|one| one.message == case.message), "the twin warns:\n{warnings}");
    }
}

/// The sound tree with one file replaced, edited, added or, without any text, removed.
fn changed(case: &Case, text: Option<&str>, replace: Option<&[String; 2]>) -> Tree {
    let tree = Tree::read(&base());
    let (mut config, mut files, mut folders) = (tree.config, tree.files, tree.folders);
    let whole = case.file == "daypass.toml";
    let before = if whole { config.clone() } else { files.get(&case.file).cloned() };
    let edited = replace.map(|[from, to]| {
        let before = before.as_ref().expect("the file to edit").text.to_string();
        assert!(before.contains(from.as_str()), "`{from}` is not in the file");
        before.replacen(from, to, 1)
    });
    let text = edited.or_else(|| text.map(str::to_owned));
    let path = if whole { base() } else { tree.root.join(&case.file) };
    let source = text.map(|text| Source { path, text: text.into() });
    if whole {
        config = source;
    } else if let Some(source) = source {
        let mut folder = case.file.as_str();
        while let Some((parent, _)) = folder.rsplit_once('/') {
            folders.insert(parent.to_owned());
            folder = parent;
        }
        files.insert(case.file.clone(), source);
    } else {
        files.remove(&case.file);
    }
    Tree::new(config, tree.root, files, folders, tree.outside, tree.problems)
}
