//! What processes use, as the kernel counts it.

use std::fs;
use std::path::Path;

use super::Outcome;

/// The kernel counts the time of processes that have ended in hundredths of a second.
const NANOSECONDS_PER_TICK: u64 = 10_000_000;

/// The CPU time of a process and all its threads so far, in nanoseconds.
pub fn cpu_of(process: u32) -> Outcome<u64> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let path = thread?.path().join("schedstat");
        // A thread may end meanwhile.
        let text = fs::read_to_string(path).unwrap_or_default();
        let on_cpu: Option<u64> = text.split_whitespace().next().and_then(|field| field.parse().ok());
        total += on_cpu.unwrap_or_default();
    }
    Ok(total)
}

/// The CPU time of a server and the processes that it started, ended ones included, in nanoseconds.
pub fn cpu_with_children(server: u32) -> Outcome<u64> {
    let ended: u64 = stat_fields(server)?
        .get(13..15)
        .unwrap_or_default()
        .iter()
        .map(|field| field.parse::<u64>().unwrap_or_default())
        .sum();
    let mut total = cpu_of(server)? + ended * NANOSECONDS_PER_TICK;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Ok(process) = name.to_string_lossy().parse::<u32>() else {
            continue;
        };
        let is_child = stat_fields(process).is_ok_and(|fields| fields.get(1) == Some(&server.to_string()));
        if is_child {
            total += cpu_of(process).unwrap_or_default();
        }
    }
    Ok(total)
}

/// The fields of `/proc/[pid]/stat` behind the name of the program: state, parent, …
fn stat_fields(process: u32) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(')').ok_or("a stat file without a name")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// The memory of a process that is resident, in bytes.
pub fn resident_bytes(process: u32) -> Outcome<u64> {
    memory(process, "VmRSS:")
}

/// The most memory that a process has had resident since its start, in bytes.
pub fn peak_bytes(process: u32) -> Outcome<u64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, field: &str) -> Outcome<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let line = line.ok_or_else(|| format!("no {field}"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// The process of the server whose data are in `cluster`.
pub fn postmaster(cluster: &Path) -> Outcome<u32> {
    let text = fs::read_to_string(cluster.join("postmaster.pid"))?;
    Ok(text.lines().next().ok_or("an empty postmaster.pid")?.trim().parse()?)
}
