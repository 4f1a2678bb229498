//! What a person's browser does at an identity provider: keeps cookies, follows redirects, fills in forms. No scripts.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;

use super::form;

/// A browser with cookies of its own.
#[derive(Debug)]
pub(crate) struct Browser {
    folder: TempDir,
}

/// A page, and the address that it came from after all redirects.
#[derive(Debug)]
pub(crate) struct Page {
    url: String,
    html: String,
}

/// The one form of a page: where it goes, and the fields that the page itself filled in.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    hidden: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    /// Goes to an address.
    pub(crate) fn open(&self, url: &str) -> Page {
        self.curl(&[url])
    }

    /// Sends a form with what the person typed into it.
    pub(crate) fn submit(&self, form_of_page: &Form, typed: &[(&str, &str)]) -> Page {
        let hidden = form_of_page.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = hidden.chain(typed.iter().copied()).collect();
        self.curl(&["--data-raw", &form(&fields), &form_of_page.action])
    }

    fn curl(&self, arguments: &[&str]) -> Page {
        let cookies = self.path("cookies");
        let mut command = Command::new("curl");
        command.args(["-sS", "-L", "-w", "%{url_effective}", "-o"]).arg(self.path("page"));
        let output = command.arg("-c").arg(&cookies).arg("-b").arg(&cookies).args(arguments).output();
        let output = output.expect("curl is installed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let html = std::fs::read_to_string(self.path("page")).expect("a page of text");
        Page { url: String::from_utf8(output.stdout).expect("an address"), html }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Page {
    pub(crate) fn text(&self) -> &str {
        &self.html
    }

    /// Its form, if it has one.
    pub(crate) fn form(&self) -> Option<Form> {
        let rest = self.html.split_once("<form")?.1;
        let whole = rest.split_once("</form>")?.0;
        let action = self.resolve(&attribute(whole.split_once('>')?.0, "action")?);
        let inputs = whole.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let hidden = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Some(Form { action, hidden: hidden.collect() })
    }

    /// An address as the page writes it: whole, or a query to the page's own.
    fn resolve(&self, address: &str) -> String {
        match address.strip_prefix('?') {
            Some(query) => format!("{}?{query}", self.url.split('?').next().unwrap_or_default()),
            None => address.to_owned(),
        }
    }
}

impl Form {
    /// What the page put into a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.hidden.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// The value of an attribute in a tag, with its entities read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
    let read = value.replace("&quot;", "\"").replace("&#039;", "'").replace("&lt;", "<").replace("&gt;", ">");
    Some(read.replace("&amp;", "&"))
}
