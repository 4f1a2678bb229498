//! `daypass dev`: a broker to try out, with sample roles, state in one file and an identity provider of its own.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use daypass_broker::api::serve::Addresses;
use daypass_broker::clock::{Clock, Settings, Settling};
use daypass_broker::dev::{self, Ports, Site, TokenRequest};
use ring::rand::SystemRandom;

use super::serve::{LogFormat, log_to_stderr, run_broker};
use super::{Done, load, print};

/// The port of a folder that is made without `--port`; the two after it are the issuer's and telemetry's.
const PORT: u16 = 4280;

/// Where to work.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The broker's port, 4280 if none is given; its identity provider's is the next. 0 picks free ones.
    #[arg(long)]
    port: Option<u16>,
    /// The folder of configuration, keys and state; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "./daypass-dev", global = true)]
    dir: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a token of the identity provider, as `AWS_WEB_IDENTITY_TOKEN_FILE` wants it.
    Token {
        /// Whom the token is about.
        #[arg(long)]
        sub: String,
        /// Whom the token is for, if not sts.amazonaws.com.
        #[arg(long)]
        aud: Option<String>,
        /// A session tag, `key=value`; may be repeated.
        #[arg(long, value_name = "KEY=VALUE")]
        tag: Vec<String>,
        /// The source identity of the session.
        #[arg(long)]
        source_identity: Option<String>,
    },
}

/// Runs the broker and its identity provider until told to stop, or prints a token.
pub(crate) fn run(arguments: &Arguments) -> Done {
    match &arguments.command {
        None => run_site(arguments),
        Some(Command::Token { sub, aud, tag, source_identity }) => {
            let tags = tag.iter().map(String::as_str);
            let request = TokenRequest::new(sub, aud.as_deref(), tags, source_identity.as_deref())?;
            print_token(&arguments.dir, &request)
        }
    }
}

fn print_token(folder: &Path, request: &TokenRequest) -> Done {
    let random = SystemRandom::new();
    let issuer = Site::open(folder)?.issuer(&random)?;
    let in_memory =
        Settings { high_water_file: None, persist_every: std::time::Duration::MAX, settling: Settling::Calm };
    let now = Clock::system(in_memory)?.reading().now();
    print(&format!("{}\n", issuer.token(request, now, &random)?))?;
    Ok(ExitCode::SUCCESS)
}

fn run_site(arguments: &Arguments) -> Done {
    log_to_stderr(LogFormat::Text);
    let site = site(arguments)?;
    let issuer = site.issuer(&SystemRandom::new())?;
    let listener = TcpListener::bind(issuer.authority())
        .map_err(|error| format!("cannot listen on {}: {error}", issuer.authority()))?;
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(format!("`{}` is not on loopback: it signs whatever it is asked to", issuer.url()).into());
    }
    let config = site.config();
    let guide = Guide { folder: arguments.dir.clone(), issuer: issuer.url().to_owned() };
    let announce = move |addresses: &Addresses| {
        let mut out = std::io::stdout().lock();
        // A closed standard output is no reason to stop serving.
        drop(write!(out, "{}", guide.text(addresses)));
        drop(out.flush());
    };
    run_broker(&config, None, true, announce, |app| async move {
        Ok(dev::serve(listener, issuer, move || app.clock.reading().now()).await?)
    })
}

/// The folder, made if it is not there; one made for another port than the wanted one is refused.
fn site(arguments: &Arguments) -> Result<Site, Box<dyn std::error::Error>> {
    let Ok(site) = Site::open(&arguments.dir) else {
        let ports = ports(arguments.port.unwrap_or(PORT))?;
        return Ok(Site::create(&arguments.dir, ports, &SystemRandom::new())?);
    };
    let made_for = load(&site.config())?.snapshot.settings.server.listen.port();
    match arguments.port {
        Some(port) if port != 0 && port != made_for => {
            let folder = arguments.dir.display();
            Err(format!("`{folder}` was made for port {made_for}: name another folder by --dir").into())
        }
        _ => Ok(site),
    }
}

fn ports(broker: u16) -> Result<Ports, Box<dyn std::error::Error>> {
    if broker != 0 {
        let next = |by| broker.checked_add(by).ok_or("the two ports after --port are used as well");
        return Ok(Ports { broker, issuer: next(1)?, telemetry: next(2)? });
    }
    // Held at the same time, so that they differ.
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let held = [free()?, free()?, free()?];
    let [broker, issuer, telemetry] = held.each_ref().map(TcpListener::local_addr);
    Ok(Ports { broker: broker?.port(), issuer: issuer?.port(), telemetry: telemetry?.port() })
}

/// What somebody new is told: where things are, and commands that work as they stand.
struct Guide {
    folder: PathBuf,
    issuer: String,
}

impl Guide {
    fn text(&self, addresses: &Addresses) -> String {
        let Addresses { url, telemetry } = addresses;
        let Self { folder, issuer } = self;
        let folder = quoted(&folder.display().to_string());
        let daypass = quoted(&std::env::args().next().unwrap_or_else(|| "daypass".to_owned()));
        let role = "arn:aws:iam::111122223333:role/Deploy";
        format!(
            r#"listening url={url} telemetry={telemetry} issuer={issuer}

Daypass runs for development, on this machine only: {issuer} signs a token about anybody, for anybody.
Accounts, roles and policies are in {folder}/directory; an edit is in force a second or two later.

To try it, paste into another shell (bash), in the same folder:

  # A proof of identity: an OpenID Connect token about alice.
  {daypass} dev token --dir {folder} --sub alice > alice.token
  # or: curl -sd sub=alice {issuer}/token > alice.token

  # Any recent SDK, and the AWS CLI from 2.13 on, turn it into credentials by themselves, and renew them.
  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ENDPOINT_URL_STS={url}
  export AWS_WEB_IDENTITY_TOKEN_FILE=alice.token AWS_ROLE_ARN={role} AWS_ROLE_SESSION_NAME=alice
  aws sts get-caller-identity

  # An older CLI is told the endpoint each time.
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN < <(
    aws sts assume-role-with-web-identity --endpoint-url {url} --region us-east-1 --output text \
      --role-arn {role} --role-session-name alice --web-identity-token file://alice.token \
      --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  aws sts get-caller-identity --endpoint-url {url} --region us-east-1

  # Who is signed in, and the end of it.
  {daypass} sessions list --config {folder}/daypass.toml
  {daypass} sessions revoke --config {folder}/daypass.toml --principal '{issuer} alice'

"#
        )
    }
}

/// A word as a shell takes it whole.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"./-_+:@%,=~".contains(&byte);
    let is_plain = !word.is_empty() && word.bytes().all(plain);
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
