use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::api::types::ProcessInfo;

/// The processes that hold these sockets, by inode; of those that share one, the oldest. What may not be read is left out.
#[must_use]
pub fn socket_owners(inodes: &[u64]) -> HashMap<u64, ProcessInfo> {
    let mut owners: HashMap<u64, ProcessInfo> = HashMap::new();
    let folders = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let mut pids: Vec<u32> = folders.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        let folder = format!("/proc/{pid}");
        let files = fs::read_dir(format!("{folder}/fd")).into_iter().flatten().filter_map(Result::ok);
        for inode in files.filter_map(|file| inode(&fs::read_link(file.path()).ok()?)) {
            if inodes.contains(&inode) {
                owners.entry(inode).or_insert_with(|| {
                    let name = fs::read_to_string(format!("{folder}/comm")).unwrap_or_default();
                    ProcessInfo { pid, name: name.trim().to_owned() }
                });
            }
        }
    }
    owners
}

/// `socket:[4711]`
fn inode(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_sockets_have_an_inode() {
        assert_eq!(inode(Path::new("socket:[4711]")), Some(4711));
        assert_eq!(inode(Path::new("pipe:[4711]")), None);
        assert_eq!(inode(Path::new("/dev/null")), None);
    }
}
