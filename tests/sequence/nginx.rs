//! Files to and from nginx.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::harness::Library;
use crate::tools;

struct Nginx(Child, String);

impl Nginx {
    /// It hands out what lies in the folder, and takes what is sent to `/up`; of that to `/small`, 1 KB.
    fn start(folder: &Path) -> Nginx {
        // Another program may take the port before nginx does.
        (0..5).find_map(|_| Nginx::try_start(folder)).expect("nginx starts; what it says is above")
    }

    fn try_start(folder: &Path) -> Option<Nginx> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shown = folder.display();
        let settings = format!(
            "daemon off; pid {shown}/pid; events {{}} http {{ access_log off; root {shown}; client_max_body_size 100m;
             client_body_temp_path {shown}/t1; proxy_temp_path {shown}/t2; fastcgi_temp_path {shown}/t3; uwsgi_temp_path {shown}/t4; scgi_temp_path {shown}/t5;
             server {{ listen 127.0.0.1:{port};
               location /up {{ proxy_pass http://127.0.0.1:{port}/took; }}
               location /small {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{port}/took; }}
               location /took {{ default_type application/json; return 200 '{{\"code\":0,\"length\":$content_length}}'; }} }} }}"
        );
        fs::write(folder.join("nginx.conf"), settings).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-e", "stderr", "-c"]).arg(folder.join("nginx.conf")).stdin(Stdio::null());
        let mut child = command.spawn().expect("nginx can be run");
        for _ in 0..200 {
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(Nginx(child, format!("http://127.0.0.1:{port}")));
            }
            thread::sleep(Duration::from_millis(25));
        }
        panic!("nginx does not answer");
    }

    fn call(&self, fields: Value) -> Value {
        let request = json!({ "host": self.1, "accesstoken": "9f2c4b7e1d5a48c0", "proxy": null, "keep_alive_ms": 0 });
        Library::load().json("rpa_call", &crate::with_all(request, fields))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is killed leaves its worker behind; on SIGTERM both end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[test]
fn files_to_and_from_nginx() {
    if !tools::all_run(&["nginx"], "files to and from nginx") {
        return;
    }
    let folder = Folder::new("nginx");
    let bytes: Vec<u8> = (0..(20u32 << 20)).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(folder.join("big.bin"), &bytes).unwrap();
    // Its worker may be another user.
    #[cfg(unix)]
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let nginx = Nginx::start(&folder);
    let to = folder.join("came.bin");
    let reply = nginx.call(json!({ "rest_type": "/big.bin", "mode": "get", "save_to": to }));
    assert_eq!(
        (&reply["result"]["size"], &reply["result"]["type"]),
        (&json!(bytes.len()), &json!("text/plain")),
        "{reply}"
    );
    assert!(fs::read(&to).unwrap() == bytes);
    let files = json!({ "file": folder.join("big.bin") });
    let reply = nginx.call(json!({ "rest_type": "/up", "mode": "post", "files": files }));
    assert!(reply["code"] == 0 && reply["length"].as_u64() > Some(bytes.len() as u64), "{reply}");
    let reply = nginx.call(json!({ "rest_type": "/small", "mode": "post", "files": files }));
    assert_eq!(reply["error"]["http_status"], 413, "{reply}");
    assert!(reply["msg"].as_str().unwrap().contains("请求内容过大"), "{reply}");
}
