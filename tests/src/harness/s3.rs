//! The example S3 service, a workload that asks a broker about every request.

use std::{path::PathBuf, process::Command};

use super::{
    Broker, Site, installed,
    process::{Process, free_port},
    role,
};

/// A running S3 service with the bucket `reports`.
#[derive(Debug)]
pub(crate) struct S3 {
    root: PathBuf,
    url: String,
    _process: Process,
}

impl S3 {
    /// Starts it with a token of its own, for the role `Gateway`.
    pub(crate) fn start(site: &Site, broker: &Broker) -> Self {
        let root = site.path("buckets");
        std::fs::create_dir_all(root.join("reports")).expect("a bucket");
        site.write("service-token", &site.issuer.token("plant:service:s3"));
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new(installed::binary("daypass-example-s3-service"));
        command.args(["--listen", &address, "--broker", &broker.url(), "--region", "eu-west-1"]);
        command.arg("--root").arg(&root);
        command.arg("--web-identity-token-file").arg(site.path("service-token"));
        command.args(["--role-arn", &role("Gateway"), "--role-session-name", "s3-service"]);
        let process = Process::start(&mut command, &site.path("s3.log"));
        process.after("ready");
        Self { root, url: format!("http://{address}"), _process: process }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything that lies in the bucket, by name.
    pub(crate) fn stored(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join("reports")).expect("the bucket");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}
