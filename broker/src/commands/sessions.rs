//! `daypass sessions`: list, show and end the sessions of a running broker.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use daypass_broker::administer::Subject;
use daypass_broker::api::admin::{ListRequest, RevokeAnswer, RevokeRequest, SessionView, ShowRequest};

use super::socket::ask;
use super::{Done, Output, PROPAGATING, socket_of};

/// Which broker, and what about its sessions.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The broker's configuration, which says where its socket is.
    #[arg(long, env = "DAYPASS_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The broker's administration socket.
    #[arg(long, env = "DAYPASS_SOCKET", value_name = "FILE", global = true)]
    socket: Option<PathBuf>,
    /// How answers are printed.
    #[arg(long, value_enum, default_value = "table", global = true)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List live sessions.
    List {
        #[command(flatten)]
        of: Of,
        /// Only sessions issued before this time (RFC 3339).
        #[arg(long, value_name = "TIME")]
        issued_before: Option<String>,
    },
    /// Show one live session.
    Show {
        /// Its id or access key id.
        session: String,
    },
    /// End sessions: here at once, everywhere within a second; exit 5 while that is under way.
    Revoke {
        #[command(flatten)]
        of: Of,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// What the sessions have in common.
#[derive(Debug, Clone, clap::Args)]
#[group(multiple = false)]
struct Of {
    /// A session's id or access key id; its proof gets no new session.
    #[arg(long)]
    session: Option<String>,
    /// A principal: `<issuer> <subject>` as listed, or a source identity.
    #[arg(long)]
    principal: Option<String>,
    /// A role's ARN or id.
    #[arg(long)]
    role: Option<String>,
    /// A provider's ARN or id.
    #[arg(long)]
    provider: Option<String>,
    /// An account's number.
    #[arg(long)]
    account: Option<String>,
    /// A proof: the digest that the audit trail gives it.
    #[arg(long)]
    proof: Option<String>,
    /// A key of the keyring.
    #[arg(long)]
    key: Option<u32>,
}

/// Asks the broker and prints its answer.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let socket = socket(arguments)?;
    match &arguments.command {
        Command::List { of, issued_before } => {
            let subject = of.clone().subject();
            let request = ListRequest { subject, issued_before: issued_before.clone() };
            let sessions: Vec<SessionView> = ask(&socket, "/sessions/list", &request)?;
            print_list(&sessions, arguments.output)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { session } => {
            let request = ShowRequest { session: session.clone() };
            let session: SessionView = ask(&socket, "/sessions/show", &request)?;
            println!("{}", serde_json::to_string_pretty(&session)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Revoke { of, reason } => {
            let subject =
                of.clone().subject().ok_or("name what is to end: see `daypass sessions revoke --help`")?;
            let request = RevokeRequest { subject, reason: reason.clone() };
            let answer: RevokeAnswer = ask(&socket, "/sessions/revoke", &request)?;
            Ok(print_revoked(&answer, arguments.output)?)
        }
    }
}

fn socket(arguments: &Arguments) -> Result<PathBuf, Box<dyn std::error::Error>> {
    match (&arguments.socket, &arguments.config) {
        (Some(socket), _) => Ok(socket.clone()),
        (None, Some(config)) => socket_of(config),
        (None, None) => Err("name the broker by --config FILE or --socket FILE".into()),
    }
}

impl Of {
    fn subject(self) -> Option<Subject> {
        None.or(self.session.map(Subject::Session))
            .or(self.principal.map(Subject::Principal))
            .or(self.role.map(Subject::Role))
            .or(self.provider.map(Subject::Provider))
            .or(self.account.map(Subject::Account))
            .or(self.proof.map(Subject::Proof))
            .or(self.key.map(Subject::Key))
    }
}

fn print_list(sessions: &[SessionView], output: Output) -> Result<(), serde_json::Error> {
    if output == Output::Json {
        println!("{}", serde_json::to_string_pretty(sessions)?);
        return Ok(());
    }
    println!("{:<20}  {:<20}  {:<40}  {}", "ACCESS KEY", "EXPIRES", "PRINCIPAL", "ROLE");
    for session in sessions {
        let SessionView { access_key_id, expires, principal, role, .. } = session;
        println!("{access_key_id:<20}  {expires:<20}  {principal:<40}  {role}");
    }
    println!("{} live sessions", sessions.len());
    Ok(())
}

fn print_revoked(answer: &RevokeAnswer, output: Output) -> Result<ExitCode, serde_json::Error> {
    match output {
        Output::Json => println!("{}", serde_json::to_string(answer)?),
        Output::Table if answer.settled => println!("ended, on every broker within a second"),
        Output::Table => println!("ended here; propagating to the other brokers"),
    }
    Ok(if answer.settled { ExitCode::SUCCESS } else { PROPAGATING.into() })
}
