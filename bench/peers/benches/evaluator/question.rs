//! What every engine is asked: policies in a form that each can be given in its own language, and requests.

/// A statement whose patterns are exact or end in `*`, so that every engine has a word for it.
pub(crate) struct Statement {
    pub(crate) allow: bool,
    pub(crate) actions: Vec<String>,
    pub(crate) resources: Vec<String>,
    /// The value that `aws:PrincipalTag/team` has to have.
    pub(crate) team: Option<&'static str>,
}

/// The statements of one document.
pub(crate) type Document = Vec<Statement>;

pub(crate) struct Request {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) team: &'static str,
}

/// Different requests that each measurement draws from.
pub(crate) const REQUESTS: usize = 1_000;
/// As many as fit into a managed policy.
const STATEMENTS_A_DOCUMENT: usize = 25;

/// A request's number from the number of the question: neighbours are far apart, and each comes equally often.
pub(crate) fn draw(number: usize) -> usize {
    number * 389 % REQUESTS
}

/// `count` statements, each for the objects of another bucket.
pub(crate) fn buckets(count: usize) -> Vec<Document> {
    let statement = |number: usize| Statement {
        allow: true,
        actions: vec!["s3:GetObject".to_owned()],
        resources: vec![format!("arn:aws:s3:::bucket-{number}/*")],
        team: Some("core"),
    };
    let numbers: Vec<usize> = (0..count).collect();
    numbers.chunks(STATEMENTS_A_DOCUMENT).map(|some| some.iter().copied().map(statement).collect()).collect()
}

/// Requests that the last of `count` statements allows.
pub(crate) fn of_the_last_bucket(count: usize) -> Vec<Request> {
    let request = |number| Request {
        action: "s3:GetObject".to_owned(),
        resource: format!("arn:aws:s3:::bucket-{}/year=2026/part-{number:04}.parquet", count - 1),
        team: "core",
    };
    (0..REQUESTS).map(request).collect()
}

const SERVICES: [&str; 10] =
    ["ec2", "s3", "dynamodb", "lambda", "sqs", "sns", "kms", "logs", "cloudwatch", "ecr"];

/// Fifty documents in the shapes of AWS's managed policies: read-only, power user, operator of a service, and guard rails.
pub(crate) fn managed() -> Vec<Document> {
    let statement = |allow, actions: Vec<String>, resources: Vec<String>, team| Statement {
        allow,
        actions,
        resources,
        team,
    };
    let all = || vec!["*".to_owned()];
    let mut documents = Vec::new();
    for service in SERVICES {
        let of = |names: &[&str]| names.iter().map(|name| format!("{service}:{name}")).collect::<Vec<_>>();
        let arn = |path: &str| format!("arn:aws:{service}:eu-west-1:111122223333:{path}");
        documents.push(vec![statement(
            true,
            of(&["Get*", "List*", "Describe*", "BatchGet*", "View*"]),
            all(),
            None,
        )]);
        documents.push(vec![
            statement(
                true,
                of(&["Create*", "Update*", "Put*"]),
                vec![arn("team/core/*"), arn("shared/*")],
                Some("core"),
            ),
            statement(true, of(&["Tag*", "Untag*"]), vec![arn("team/*")], Some("core")),
            statement(true, vec!["cloudwatch:GetMetricData".into(), "tag:GetResources".into()], all(), None),
        ]);
        documents.push(vec![statement(
            false,
            of(&["Delete*", "Terminate*", "Purge*"]),
            vec![arn("production/*")],
            None,
        )]);
        documents.push(vec![
            statement(
                true,
                of(&["Start*", "Stop*", "Restart*", "Invoke*", "Send*"]),
                vec![arn("*")],
                Some("operations"),
            ),
            statement(
                true,
                vec!["iam:PassRole".into()],
                vec![format!("arn:aws:iam::111122223333:role/{service}-*")],
                None,
            ),
        ]);
        documents.push(vec![
            statement(true, of(&["Delete*"]), vec![arn("team/core/scratch/*")], Some("core")),
            statement(true, vec!["logs:CreateLogGroup".into(), "logs:PutLogEvents".into()], all(), None),
            statement(false, of(&["*"]), vec![arn("restricted/*")], Some("guest")),
        ]);
    }
    documents
}

/// Requests of every service; about half are allowed.
pub(crate) fn of_every_service() -> Vec<Request> {
    let actions =
        ["GetThing", "CreateThing", "DeleteThing", "StartThing", "TagThing", "DescribeThings", "PurgeThing"];
    let paths =
        ["team/core/a", "production/db", "shared/x", "team/core/scratch/7", "restricted/k", "other/y"];
    let teams = ["core", "operations", "guest"];
    let of =
        |list: &[&'static str], number: usize| list.get(number % list.len()).copied().unwrap_or_default();
    let request = |number: usize| Request {
        action: format!("{}:{}", of(&SERVICES, number), of(&actions, number / 10)),
        resource: format!(
            "arn:aws:{}:eu-west-1:111122223333:{}",
            of(&SERVICES, number),
            of(&paths, number / 7)
        ),
        team: of(&teams, number / 3),
    };
    (0..REQUESTS).map(request).collect()
}
