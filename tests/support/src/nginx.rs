//! nginx with TLS in front of a small upstream of its own; its log, one JSON line per request, is the counter.

use std::fs;
use std::io::{Write, read_to_string};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;
use tempfile::TempDir;

use crate::certificates::Authority;
use crate::peer::{Peer, START, find, free_ports};

/// nginx as it runs.
pub struct Nginx {
    peer: Peer,
    /// The port that speaks TLS.
    pub port: u16,
    /// The port of the upstream, which speaks plain http.
    pub upstream: u16,
    /// The authority that signed its certificate.
    pub authority: Authority,
}

/// What is particular about one nginx.
#[derive(Default)]
pub struct Config<'a> {
    /// Lines inside `http`.
    pub http: &'a str,
    /// Lines inside the TLS `server`.
    pub server: &'a str,
    /// Lines inside its `location`, in place of passing on to the upstream.
    pub location: &'a str,
    /// Versions of TLS; both that vescli speaks, if empty.
    pub protocols: &'a str,
    /// Names in the certificate besides those of this machine.
    pub names: &'a [&'a str],
}

impl Nginx {
    pub fn start(config: &Config) -> Self {
        let program = find("nginx", "nginx-light");
        let authority = Authority::new();
        let names = [&["localhost", "127.0.0.1"], config.names].concat();
        let identity = authority.server_named(&names);
        let folder = TempDir::with_prefix("vescli-nginx-").unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("server.pem", identity.certificate_pem());
        write("server.key", identity.key_pem());
        write("ca.pem", &authority.pem());
        let [port, upstream, dead] = free_ports();
        let location =
            if config.location.is_empty() { "proxy_pass http://127.0.0.1:UPSTREAM;" } else { config.location };
        let protocols = if config.protocols.is_empty() { "TLSv1.2 TLSv1.3" } else { config.protocols };
        let text = CONFIG
            .replace("HTTP_LINES", config.http)
            .replace("PROTOCOLS", protocols)
            .replace("SERVER_LINES", config.server)
            .replace("LOCATION_LINES", location)
            .replace("TLS_PORT", &port.to_string())
            .replace("UPSTREAM", &upstream.to_string())
            .replace("DEAD_PORT", &dead.to_string())
            .replace("FOLDER", &folder.path().to_string_lossy());
        write("nginx.conf", &text);
        let prefix = folder.path().to_string_lossy().into_owned();
        let arguments = ["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"];
        Self { peer: Peer::start(&program, folder, &arguments, port), port, upstream, authority }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The requests in its log, with every one that was answered before.
    pub fn requests(&self) -> Vec<Value> {
        self.settle();
        let log = self.peer.read("access.log");
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// nginx logs a request after its answer, in the same turn of its one loop: an answer to another request, which is
    /// not logged, comes from a later turn.
    fn settle(&self) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.upstream)).unwrap();
        stream.set_read_timeout(Some(START)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let answer = read_to_string(stream).unwrap();
        assert!(answer.contains(" 200 OK\r\n"), "{answer}");
    }
}

/// Headers are logged one by one: nginx has no variable for all of them.
const CONFIG: &str = r#"
daemon off;
master_process off;
worker_processes 1;
error_log FOLDER/error.log info;
pid FOLDER/nginx.pid;
events { worker_connections 256; }
http {
    log_format wire escape=json '{"request":"$request","status":$status,"body":"$request_body","host":"$http_host",'
        '"authorization":"$http_authorization","content_type":"$http_content_type","accept":"$http_accept",'
        '"user_agent":"$http_user_agent","content_length":"$http_content_length","accept_encoding":"$http_accept_encoding",'
        '"expect":"$http_expect","connection":"$http_connection","transfer_encoding":"$http_transfer_encoding",'
        '"at":$msec,"took":$request_time,"cookie":"$http_cookie","tls":"$ssl_protocol","sni":"$ssl_server_name","protocol":"$server_protocol"}';
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    HTTP_LINES
    server {
        listen 127.0.0.1:TLS_PORT ssl http2;
        access_log FOLDER/access.log wire;
        ssl_protocols PROTOCOLS;
        ssl_certificate FOLDER/server.pem;
        ssl_certificate_key FOLDER/server.key;
        proxy_ignore_client_abort on;
        SERVER_LINES
        location / { LOCATION_LINES }
    }
    server {
        listen 127.0.0.1:UPSTREAM;
        location / { default_type application/json; return 200 '{}'; }
    }
}
"#;
