//! Keycloak with its realm `corp` from `cases/saml/keycloak-realm.json`, on plain http and with a database in memory.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::{LazyLock, Mutex},
};

use tempfile::TempDir;

use super::{
    super::{
        installed,
        process::{Process, ending_with_the_tests, free_port},
    },
    CorporateIdp, Signed,
};

/// Of the Java machine: the fastest start rather than the fastest server, and no more memory than it needs.
const MACHINE: &[&str] =
    &["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms64m", "-Xmx256m", "-XX:MaxMetaspaceSize=256m"];

/// As Keycloak's own script starts it, but that the log goes to standard error.
const PROPERTIES: &[&str] = &[
    "-Dfile.encoding=UTF-8",
    "-Duser.language=en",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=\
     io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Dpicocli.disable.closures=true",
    "-Dquarkus.log.console.stderr=true",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
];

static SHARED: LazyLock<CorporateIdp> = LazyLock::new(start);

impl CorporateIdp {
    /// The Keycloak that all tests share, since a start takes it many seconds. It answers requests of its relying parties
    /// to whatever address they name.
    pub(crate) fn keycloak() -> &'static Self {
        &SHARED
    }
}

fn start() -> CorporateIdp {
    let folder = TempDir::new().expect("a folder");
    let installed = installed::keycloak();
    home(folder.path(), &installed);
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let mut command = ending_with_the_tests("java", folder.path());
    command.args(MACHINE).args(PROPERTIES);
    for (property, place) in
        [("java.io.tmpdir", ""), ("kc.home.dir", ""), ("jboss.server.config.dir", "conf")]
    {
        command.arg(format!("-D{property}={}", folder.path().join(place).display()));
    }
    command.arg("-cp").arg(installed.join("lib/quarkus-run.jar"));
    command.arg("io.quarkus.bootstrap.runner.QuarkusEntryPoint");
    command.args(["start", "--optimized", "--import-realm", "--cache=local", "--http-enabled=true"]);
    command.args(["--http-host=127.0.0.1", "--http-port", &port, "--hostname", &url]);
    let process = Process::start(&mut command, &folder.path().join("log.txt"));
    process.after_logging_late("Listening on: ");
    CorporateIdp {
        name: "Keycloak",
        metadata: format!("{url}/realms/corp/protocol/saml/descriptor"),
        unasked,
        url,
        _process: Mutex::new(process),
        _folder: folder,
    }
}

/// A home that shares what is installed and has data of its own.
fn home(folder: &Path, installed: &Path) {
    for name in ["lib", "providers", "themes"] {
        symlink(installed.join(name), folder.join(name)).expect("a link");
    }
    for name in ["conf", "data/import"] {
        fs::create_dir_all(folder.join(name)).expect("a folder");
    }
    fs::copy(installed::case("saml/keycloak-realm.json"), folder.join("data/import/corp-realm.json"))
        .expect("the realm");
}

fn unasked(url: &str, signed: Signed) -> String {
    let name = match signed {
        Signed::Assertion => "assertion",
        Signed::Response => "response",
        Signed::Both => "both",
    };
    format!("{url}/realms/corp/protocol/saml/clients/{name}")
}
