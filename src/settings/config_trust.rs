//! Whether a configuration that names a command may be believed: whoever can write it can have that command run as the
//! user who starts vescli. A file without a command is only data, and is not checked.

use std::fs::Metadata;
use std::path::Path;

use super::config_error::ConfigError;

/// Checks the file, the folder that it lies in, and both once more where the path is a link.
///
/// # Errors
/// [`ConfigError::Untrusted`] for the first that others can write, or that is somebody else's.
#[cfg(unix)]
pub(super) fn check(path: &Path, opened: &Metadata) -> Result<(), ConfigError> {
    let unreadable = |error| ConfigError::Unreadable(path.to_owned(), error);
    check_one(path, path, opened)?;
    let link = path.symlink_metadata().map_err(unreadable)?;
    if link.is_symlink() {
        check_owner(path, path, &link)?;
    }
    let real = path.canonicalize().map_err(unreadable)?;
    for file in [path, &real] {
        let folder = match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => continue,
        };
        check_one(path, folder, &folder.metadata().map_err(unreadable)?)?;
    }
    Ok(())
}

/// There are no such permissions to look at.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix, where there is something to check")]
pub(super) fn check(_: &Path, _: &Metadata) -> Result<(), ConfigError> {
    Ok(())
}

#[cfg(unix)]
fn check_one(config: &Path, path: &Path, metadata: &Metadata) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt;

    check_owner(config, path, metadata)?;
    let mode = metadata.mode() & 0o7777;
    // In a folder such as /tmp others can add files, but not replace this one.
    let is_sticky_folder = metadata.is_dir() && mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !is_sticky_folder {
        return Err(ConfigError::Untrusted {
            config: config.to_owned(),
            reason: format!(
                "{path} can be written by others (mode {mode:04o}): run `chmod go-w {path}`",
                path = path.display()
            ),
        });
    }
    Ok(())
}

#[cfg(unix)]
fn check_owner(config: &Path, path: &Path, metadata: &Metadata) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt;

    let owner = metadata.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(ConfigError::Untrusted {
            config: config.to_owned(),
            reason: format!(
                "{} belongs to another user (uid {owner}): use a file in a folder of your own",
                path.display()
            ),
        });
    }
    Ok(())
}
