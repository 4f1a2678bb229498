//! SimpleSAMLphp on PHP's own web server, configured by `cases/saml/simplesamlphp`, with a key of its own.

use std::{path::Path, process::Command, sync::Mutex};

use tempfile::TempDir;

use super::{
    super::{
        form, installed,
        process::{Process, ending_with_the_tests, free_port},
    },
    ACS, CorporateIdp, Signed,
};

impl CorporateIdp {
    /// A SimpleSAMLphp of the test's own.
    pub(crate) fn simplesamlphp() -> Self {
        Self::simplesamlphp_for(&[ACS])
    }

    /// One that takes requests to answer to these addresses; the first stands for them where a request names none.
    pub(crate) fn simplesamlphp_for(acs: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        certificate(folder.path());
        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}");
        let mut command = ending_with_the_tests("php", folder.path());
        command.args(["-S", &address, "-t"]).arg(installed::simplesamlphp().join("www"));
        command.env("SIMPLESAMLPHP_CONFIG_DIR", installed::case("saml/simplesamlphp"));
        command.env("DAYPASS_IDP_FOLDER", folder.path());
        command.env("DAYPASS_IDP_URL", &url).env("DAYPASS_IDP_ACS", acs.join(" "));
        let process = Process::start(&mut command, &folder.path().join("log.txt"));
        process.after_logging("started");
        Self {
            name: "SimpleSAMLphp",
            metadata: format!("{url}/saml2/idp/metadata.php"),
            unasked,
            url,
            _process: Mutex::new(process),
            _folder: folder,
        }
    }
}

fn unasked(url: &str, signed: Signed) -> String {
    format!("{url}/saml2/idp/SSOService.php?{}", form(&[("spentityid", signed.entity_id())]))
}

/// A new RSA key and its certificate, as files.
fn certificate(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=idp.corp.test",
    ]);
    let output = command.args(["-keyout", "idp.key", "-out", "idp.crt"]).current_dir(folder).output();
    let output = output.expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
