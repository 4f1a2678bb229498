//! `daypass sessions`: list, show and end the sessions of a running broker.

use std::process::ExitCode;

use clap::Subcommand;
use daypass_broker::administer::Subject;
use daypass_broker::api::admin::{ListRequest, RevokeAnswer, RevokeRequest, SessionView, ShowRequest};

use super::broker::Broker;
use super::shown::shown;
use super::socket::ask;
use super::{Done, Output, PROPAGATING, USAGE, json, pretty_json, print, say};

/// Which broker, and what about its sessions.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    broker: Broker,
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
    let socket = arguments.broker.socket()?;
    match &arguments.command {
        Command::List { of, issued_before } => {
            let subject = of.clone().subject();
            let request = ListRequest { subject, issued_before: issued_before.clone() };
            let sessions: Vec<SessionView> = ask(&socket, "/sessions/list", &request)?;
            let listed = match arguments.output {
                Output::Json => pretty_json(&sessions)?,
                Output::Table => listed(&sessions),
            };
            print(&listed)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { session } => {
            let request = ShowRequest { session: session.clone() };
            let session: SessionView = ask(&socket, "/sessions/show", &request)?;
            match arguments.output {
                Output::Json => print(&pretty_json(&session)?)?,
                Output::Table => print(&shown_session(&session))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Revoke { of, reason } => {
            let Some(subject) = of.clone().subject() else {
                say("error: name what is to end: see `daypass sessions revoke --help`\n");
                return Ok(USAGE.into());
            };
            let request = RevokeRequest { subject, reason: reason.clone() };
            let answer: RevokeAnswer = ask(&socket, "/sessions/revoke", &request)?;
            print_revoked(&answer, arguments.output)
        }
    }
}

impl Of {
    fn subject(self) -> Option<Subject> {
        let named = [
            self.session.map(Subject::Session),
            self.principal.map(Subject::Principal),
            self.role.map(Subject::Role),
            self.provider.map(Subject::Provider),
            self.account.map(Subject::Account),
            self.proof.map(Subject::Proof),
            self.key.map(Subject::Key),
        ];
        named.into_iter().flatten().next()
    }
}

fn listed(sessions: &[SessionView]) -> String {
    let rows: Vec<[String; 5]> = sessions.iter().map(row).collect();
    let head = ["ACCESS KEY", "EXPIRES", "LAST USED", "PRINCIPAL", "ROLE AND NAME"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let mut lines = String::new();
    for [key, expires, used, principal, role] in [&head].into_iter().chain(&rows) {
        let [a, b, c, d] = widths;
        lines += &format!("{key:<a$}  {expires:<b$}  {used:<c$}  {principal:<d$}  {role}\n");
    }
    lines += &format!("{} live sessions\n", sessions.len());
    lines
}

fn row(session: &SessionView) -> [String; 5] {
    [
        shown(&session.access_key_id),
        shown(&session.expires),
        session.last_used.as_deref().map_or_else(|| "-".to_owned(), shown),
        shown(&session.principal),
        shown(&format!("{} {}", session.role, session.session_name)),
    ]
}

fn shown_session(session: &SessionView) -> String {
    let none = || "-".to_owned();
    let rows = [
        ("session", session.session.clone()),
        ("access key", session.access_key_id.clone()),
        ("role", session.role.clone()),
        ("name", session.session_name.clone()),
        ("principal", session.principal.clone()),
        ("provider", session.provider.clone().unwrap_or_else(none)),
        ("source identity", session.source_identity.clone().unwrap_or_else(none)),
        ("issued", session.issued.clone()),
        ("expires", session.expires.clone()),
        ("last used", session.last_used.clone().unwrap_or_else(none)),
        ("ended by", session.ended_by.clone().unwrap_or_else(none)),
        ("peer", session.peer.clone()),
        ("request", session.request_id.clone()),
    ];
    rows.into_iter().map(|(name, value)| format!("{name:<15}  {}\n", shown(&value))).collect()
}

fn print_revoked(answer: &RevokeAnswer, output: Output) -> Done {
    match output {
        Output::Json => print(&json(answer)?)?,
        Output::Table if answer.settled => print("ended, on every broker within a second\n")?,
        Output::Table => print("ended here; propagating to the other brokers\n")?,
    }
    Ok(if answer.settled { ExitCode::SUCCESS } else { PROPAGATING.into() })
}
