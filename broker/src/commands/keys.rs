//! `daypass keys`: the keyring file, changed by hand and handed to every broker.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use daypass_broker::api::admin::{RetireRequest, RevokeAnswer};
use daypass_broker::keys::file::KeyringFile;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::broker::Broker;
use super::socket::ask;
use super::{Done, PROPAGATING, print, say};

/// Which file, and what to do with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new keyring with one active key; an existing file is never overwritten.
    Init(File),
    /// Show every key's state and fingerprint, and no material.
    Show(File),
    /// Add a prepared key: hand the file to every broker before activating it.
    Prepare(File),
    /// Let a prepared key seal from now on; the one before it only opens.
    Activate(Key),
    /// End everything that a key has sealed: at once on every broker if one that runs is named, else on each as soon as it
    /// has the file.
    Retire {
        #[command(flatten)]
        key: Key,
        #[command(flatten)]
        broker: Broker,
    },
}

#[derive(Debug, clap::Args)]
struct File {
    /// The keyring file.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Key {
    #[command(flatten)]
    keyring: File,
    /// The key's id.
    id: u32,
}

/// Does what was asked and shows the keyring as it is then.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let mut failed = false;
    let random = SystemRandom::new();
    let mut draw = || {
        let mut bytes = [0; 32];
        failed |= random.fill(&mut bytes).is_err();
        bytes
    };
    let (path, keyring) = match &arguments.command {
        Command::Init(File { file }) => {
            if file.exists() {
                return Err(
                    format!("`{}` is there already; keyrings are never overwritten", file.display()).into()
                );
            }
            (file, KeyringFile::generate(false, &mut draw))
        }
        Command::Show(File { file }) => return show(&KeyringFile::read_of_any_owner(file)?),
        Command::Prepare(File { file }) => {
            let mut keyring = KeyringFile::read_of_any_owner(file)?;
            keyring.prepare(&mut draw);
            (file, keyring)
        }
        Command::Activate(Key { keyring: File { file }, id }) => {
            let mut keyring = KeyringFile::read_of_any_owner(file)?;
            keyring.activate(*id)?;
            (file, keyring)
        }
        Command::Retire { key: Key { keyring: File { file }, id }, .. } => {
            let mut keyring = KeyringFile::read_of_any_owner(file)?;
            keyring.retire(*id)?;
            (file, keyring)
        }
    };
    if failed {
        return Err("the operating system gives no randomness".into());
    }
    keyring.write(path)?;
    let shown = show(&keyring)?;
    match &arguments.command {
        Command::Retire { key, broker } => end_sealed(key.id, broker),
        _ => Ok(shown),
    }
}

/// Has a running broker end what the retired key sealed. Without one the file does, wherever it is handed to.
fn end_sealed(id: u32, broker: &Broker) -> Done {
    let later = "what it sealed ends on each broker as soon as it has the file";
    if !broker.is_named() {
        say(&format!(
            "no broker was told of key {id}: {later}; name one by --config to end it everywhere now\n"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let answer: Result<RevokeAnswer, _> =
        broker.socket().and_then(|socket| ask(&socket, "/keys/retire", &RetireRequest { key: id }));
    match answer {
        Ok(RevokeAnswer { settled: true }) => {
            print(&format!("what key {id} sealed is ended, on every broker within a second\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(RevokeAnswer { settled: false }) => {
            print(&format!("what key {id} sealed is ended here; propagating to the other brokers\n"))?;
            Ok(PROPAGATING.into())
        }
        Err(error) => {
            say(&format!("no broker was told of key {id}: {error}; {later}\n"));
            Ok(PROPAGATING.into())
        }
    }
}

fn show(file: &KeyringFile) -> Done {
    let keyring = file.validate()?;
    let mut lines = format!("version {}\n", keyring.version());
    for key in keyring.summary() {
        let state = serde_json::to_string(&key.state)?;
        lines += &format!("{:>4}  {:<12} {}\n", key.id, state.trim_matches('"'), key.fingerprint);
    }
    print(&lines)?;
    Ok(ExitCode::SUCCESS)
}
