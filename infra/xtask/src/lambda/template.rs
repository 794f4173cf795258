//! The suite `aws-template`: the template is what SAM and CloudFormation take, as a source and as what AWS makes of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::setup::Python;
use crate::tally::Tally;
use crate::test::Report;
use crate::workplace::Workplace;
use crate::{run, setup};

/// The tools, at pinned versions.
const PACKAGES: &str = "infra/aws/requirements.txt";
/// The template.
pub(super) const TEMPLATE: &str = "infra/aws/template.yaml";

const LIMIT: Duration = Duration::from_secs(300);

/// SAM's command line.
pub(super) struct Sam(Python);

impl Sam {
    pub(super) fn bring(place: &Workplace) -> Result<Self, String> {
        setup::python(place, PACKAGES).map(Self)
    }

    /// A program of the same packages, which asks nothing and tells nobody.
    pub(super) fn program(&self, place: &Workplace, name: &str) -> Command {
        let mut command = place.command(self.0.programs().join(name));
        command.env("SAM_CLI_TELEMETRY", "0");
        command
    }
}

/// Runs every check.
pub(crate) fn suite(place: &Workplace) -> Result<Report, String> {
    let sam = Sam::bring(place)?;
    let template = place.root.join(TEMPLATE);
    let source = fs::read_to_string(&template).map_err(|error| format!("{TEMPLATE}: {error}"))?;
    let mut validate = sam.program(place, "sam");
    validate
        .args(["validate", "--lint", "--template-file"])
        .arg(&template)
        .env("AWS_DEFAULT_REGION", "eu-west-1");
    let mut tally = Tally::one(run::shown(&mut validate, LIMIT).success);
    let work = place.target.join("aws-template");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    tally.add(Tally::one(lint(place, &sam, &source, &work.join("good"))?));
    // What only the transformed template shows must be found, or the check checks nothing.
    let bad = source.replace("InvokeMode: RESPONSE_STREAM", "InvokeMode: STREAM");
    if bad == source {
        return Err("the template does not stream".to_owned());
    }
    let found = !lint(place, &sam, &bad, &work.join("bad"))?;
    if !found {
        println!("a wrong InvokeMode was not found in the transformed template");
    }
    tally.add(Tally::one(found));
    Ok(tally.into())
}

/// Whether cfn-lint has nothing to say of what AWS makes of a template.
fn lint(place: &Workplace, sam: &Sam, source: &str, at: &Path) -> Result<bool, String> {
    let (before, after) = (at.with_extension("yaml"), at.with_extension("json"));
    fs::write(&before, source).map_err(|error| format!("{}: {error}", before.display()))?;
    let mut transform = sam.0.command(place);
    transform.arg("infra/aws/transformed.py").arg(&before).env("AWS_DEFAULT_REGION", "eu-west-1");
    let output = transform.output().map_err(|error| format!("python: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the template cannot be transformed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    fs::write(&after, output.stdout).map_err(|error| format!("{}: {error}", after.display()))?;
    let mut lint = sam.program(place, "cfn-lint");
    let ran = run::silent(lint.arg("--").arg(&after), LIMIT);
    if !ran.success && !at.ends_with("bad") {
        println!("{}", ran.text);
    }
    Ok(ran.success)
}
