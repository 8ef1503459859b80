//! A foreign server as a child process: found or named as missing, started on a port that is free, awaited until it
//! accepts connections, and ended by its own id.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take until it accepts connections.
pub const START: Duration = Duration::from_secs(20);

/// A server that runs, with the folder that it works in.
pub struct Peer {
    child: Child,
    folder: TempDir,
}

/// Finds a program, also where Debian keeps servers.
pub fn find(program: &str, package: &str) -> PathBuf {
    let paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin", "/usr/local/sbin"];
    let found = paths.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("this check needs `{program}`: install the package {package}"))
}

/// Ports that were free a moment ago. Another process may take one: then the server does not start, and says so.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

impl Peer {
    /// Starts a server in a folder of its own, which `prepare` fills, and waits until it accepts connections on `port`.
    pub fn start(program: &Path, folder: TempDir, arguments: &[&str], port: u16) -> Self {
        let log = fs::File::create(folder.path().join("output.log")).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut peer = Self { child, folder };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let start = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            let ended = peer.child.try_wait().unwrap();
            let log = || peer.read("output.log");
            assert!(ended.is_none(), "{} ended by itself: {}", program.display(), log());
            assert!(start.elapsed() < START, "{} does not accept connections: {}", program.display(), log());
            // Asks again; there is no event to wait for.
            thread::sleep(Duration::from_millis(20));
        }
        peer
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join(name)).unwrap_or_default()).into_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
