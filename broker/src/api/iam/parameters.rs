//! The parameters of the simulation calls, within the model's constraints.

use super::Call;
use super::context::{Entry, entries};
use crate::api::constraints::{Constraints, NotANumber, Text};
use crate::api::error::WireError;
use crate::api::form::Fields;

const LATIN: &str = r"[\u0009\u000A\u000D\u0020-\u00FF]+";
const POLICY_SOURCE_ARN: Text = Text::new("PolicySourceArn", 20, 2_048);
const POLICIES: Text = Text::new("PolicyInputList", 1, 131_072).of(is_latin, LATIN);
const BOUNDARIES: Text = Text::new("PermissionsBoundaryPolicyInputList", 1, 131_072).of(is_latin, LATIN);
const RESOURCE_POLICY: Text = Text::new("ResourcePolicy", 1, 131_072).of(is_latin, LATIN);
const ACTIONS: Text = Text::new("ActionNames", 3, 128);
const RESOURCES: Text = Text::new("ResourceArns", 1, 2_048);
const RESOURCE_OWNER: Text = Text::new("ResourceOwner", 1, 2_048);
const CALLER_ARN: Text = Text::new("CallerArn", 1, 2_048);
const MARKER: Text = Text::new("Marker", 1, 320).of(|c| matches!(c, ' '..='\u{ff}'), r"[\u0020-\u00FF]+");
const SCPS: Text = Text::new("ServiceControlPolicyInputList", 1, 131_072).of(is_latin, LATIN);
/// From the organization's root to the account.
const LEVELS: usize = 7;
const ITEMS: usize = 100;
/// The most that all supposed values together may weigh: every pattern of a policy is held against them.
const MAX_CONTEXT: usize = 8_192;

/// Parameters that would change the answer and that nothing here honours: refused, never passed over.
const NOT_HONOURED: [&str; 2] = ["PolicyExclusionList", "ResourceHandlingOption"];

/// What a call asks.
#[derive(Debug)]
pub(super) struct Parameters<'f> {
    /// The principal whose policies are asked for, in the calls that name one.
    pub(super) source: Option<&'f str>,
    pub(super) policies: Vec<&'f str>,
    pub(super) boundary: Option<&'f str>,
    pub(super) resource_policy: Option<&'f str>,
    /// SCPs by level, the organization's root first.
    pub(super) service_control: Vec<Vec<&'f str>>,
    pub(super) actions: Vec<&'f str>,
    /// `*` alone where none is named.
    pub(super) resources: Vec<&'f str>,
    pub(super) resource_owner: Option<&'f str>,
    pub(super) caller_arn: Option<&'f str>,
    pub(super) context: Vec<Entry<'f>>,
    /// The most results that the answer may have.
    pub(super) items: usize,
    /// How many results earlier answers had.
    pub(super) skip: usize,
}

impl<'f> Parameters<'f> {
    pub(super) fn read(fields: &'f Fields<'f>, call: Call) -> Result<Self, WireError> {
        if let Some(name) = NOT_HONOURED.iter().find(|name| fields.mentions(name)) {
            return Err(WireError::invalid_input(format!("The parameter {name} is not supported.")));
        }
        let mut constraints = Constraints::new(fields);
        let source = call.names_principal().then(|| constraints.required(&POLICY_SOURCE_ARN));
        let policies = match source {
            Some(_) => constraints.texts(&POLICIES),
            None => constraints.required_texts(&POLICIES),
        };
        let mut parameters = Self {
            source,
            policies,
            boundary: None,
            resource_policy: None,
            service_control: Vec::new(),
            actions: Vec::new(),
            resources: vec!["*"],
            resource_owner: None,
            caller_arn: None,
            context: Vec::new(),
            items: ITEMS,
            skip: 0,
        };
        if call.simulates() {
            parameters.service_control = levels(fields, &mut constraints);
            if parameters.source.is_some() && !parameters.service_control.is_empty() {
                let message = "The organization of the principal decides: give no SCPs with PolicySourceArn.";
                return Err(WireError::invalid_input(message));
            }
            parameters.read_question(fields, &mut constraints)?;
        }
        constraints.finish().map_err(WireError::validation)?;
        parameters.check()?;
        Ok(parameters)
    }

    fn read_question(
        &mut self,
        fields: &'f Fields<'f>,
        constraints: &mut Constraints<'f>,
    ) -> Result<(), WireError> {
        let boundaries = constraints.texts(&BOUNDARIES);
        if boundaries.len() > 1 {
            return Err(WireError::invalid_input("Only one permissions boundary policy can be simulated."));
        }
        self.boundary = boundaries.first().copied();
        self.resource_policy = constraints.optional(&RESOURCE_POLICY);
        self.actions = constraints.required_texts(&ACTIONS);
        let resources = constraints.texts(&RESOURCES);
        if !resources.is_empty() {
            self.resources = resources;
        }
        self.resource_owner = constraints.optional(&RESOURCE_OWNER);
        self.caller_arn = constraints.optional(&CALLER_ARN);
        self.context = entries(fields, constraints);
        let items = constraints.number("MaxItems", 1, 1_000).map_err(|NotANumber| {
            WireError::bad_request("MalformedInput", "A parameter that must be an integer is not one")
        })?;
        self.items = items.and_then(|items| usize::try_from(items).ok()).unwrap_or(ITEMS);
        if let Some(marker) = constraints.optional(&MARKER) {
            let invalid = |_| WireError::invalid_input("Invalid Marker.");
            self.skip = marker.parse().map_err(invalid)?;
        }
        Ok(())
    }

    /// What the model leaves open, and no simulation could answer.
    fn check(&self) -> Result<(), WireError> {
        if let Some(action) = self.actions.iter().find(|action| !is_action(action)) {
            return Err(WireError::invalid_input(format!("Invalid Action Name: {action}")));
        }
        if let Some(arn) = self.resources.iter().find(|arn| **arn != "*" && !is_arn(arn)) {
            return Err(WireError::invalid_input(format!("Invalid Resource ARN: {arn}")));
        }
        if self.skip > 0 && self.skip >= self.actions.len() {
            return Err(WireError::invalid_input("Invalid Marker."));
        }
        if self.context.iter().map(Entry::weight).sum::<usize>() > MAX_CONTEXT {
            let message = "ContextEntries has too many values, or too long ones.";
            return Err(WireError::invalid_input(message));
        }
        if let Some(entry) = self.context.iter().find(|entry| !entry.is_of_its_type()) {
            let (key, kind) = (entry.key, entry.kind);
            return Err(WireError::invalid_input(format!(
                "Invalid Context Entry: the values of {key} are not of the type {kind}"
            )));
        }
        Ok(())
    }

    /// The most characters that a pattern may be held against in one question: a name's, or those of all values of a key.
    pub(super) fn longest_text(&self) -> usize {
        let names = self.resources.iter().copied().chain(self.caller_arn).map(str::len);
        names.chain(self.context.iter().map(Entry::weight)).max().unwrap_or(0)
    }

    /// What the caller must be allowed to ask about.
    pub(super) fn authorized_resource(&self) -> &'f str {
        self.source.unwrap_or("*")
    }
}

/// The SCPs of each level, until the first number that has none.
fn levels<'f>(fields: &'f Fields<'f>, constraints: &mut Constraints<'f>) -> Vec<Vec<&'f str>> {
    let name = |number: usize| format!("OrderedOrganizationPolicyInputList.member.{number}");
    let levels: Vec<_> = (1..)
        .take_while(|number| fields.mentions(&name(*number)))
        .map(|number| fields.members(&format!("{}.{}", name(number), SCPS.name), None))
        .collect();
    constraints.at_most(LEVELS, levels.len(), "orderedOrganizationPolicyInputList");
    for (index, text) in
        levels.iter().enumerate().flat_map(|(index, texts)| texts.iter().map(move |text| (index, text)))
    {
        let place = || {
            format!("orderedOrganizationPolicyInputList.{}.member.serviceControlPolicyInputList", index + 1)
        };
        constraints.text(&SCPS, text, place);
    }
    levels
}

/// `service:Operation`, of one operation.
fn is_action(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    text.split_once(':').is_some_and(|(service, name)| part(service) && part(name))
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.splitn(6, ':').count() == 6
}

fn is_latin(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}
