//! Where data and downloads go when nobody says: the XDG base directories, or below `/var` for root.

use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// Our directory's name below each of them.
const SUBDIRECTORY: &str = "dashboard-store";

/// The data directory when none is given: `$XDG_DATA_HOME/dashboard-store`, by default `~/.local/share/dashboard-store`.
///
/// For root it is `/var/lib/dashboard-store`, whatever XDG says: PostgreSQL then runs as another user, who has no way
/// into root's home.
pub fn default_data_dir() -> PathBuf {
    choose("XDG_DATA_HOME", ".local/share", "/var/lib")
}

/// The directory for downloaded programs when none is given: `$XDG_CACHE_HOME/dashboard-store`, by default
/// `~/.cache/dashboard-store`; for root `/var/cache/dashboard-store`.
pub fn default_cache_dir() -> PathBuf {
    choose("XDG_CACHE_HOME", ".cache", "/var/cache")
}

fn choose(variable: &str, below_home: &str, of_root: &str) -> PathBuf {
    if Uid::effective().is_root() {
        return Path::new(of_root).join(SUBDIRECTORY);
    }
    let xdg = env::var_os(variable).map(PathBuf::from);
    of_user(xdg, env::home_dir(), below_home)
}

/// The specification wants a relative path in the variable ignored. A user without a home gets the working directory.
fn of_user(xdg: Option<PathBuf>, home: Option<PathBuf>, below_home: &str) -> PathBuf {
    let base = xdg
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| home.unwrap_or_default().join(below_home));
    base.join(SUBDIRECTORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_wins_over_home_when_absolute() {
        let home = || Some(PathBuf::from("/home/u"));
        let chosen = of_user(Some("/data".into()), home(), ".local/share");
        assert_eq!(chosen, Path::new("/data/dashboard-store"));
        for ignored in [Some("data".into()), Some("".into()), None] {
            let chosen = of_user(ignored, home(), ".local/share");
            assert_eq!(chosen, Path::new("/home/u/.local/share/dashboard-store"));
        }
    }
}
