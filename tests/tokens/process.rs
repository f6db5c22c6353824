//! A process that makes calls as it is told, through the built library.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::orders::{Order, Report};
use crate::programs;

/// Ends when it is dropped.
pub struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    told: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub fn start() -> Process {
        Process::start_in(&[])
    }

    /// With further variables in its environment.
    pub fn start_in(environment: &[(String, String)]) -> Process {
        let mut command = programs::helper("calls_to_order");
        command.envs(environment.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let orders = child.stdin.take();
        let told = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, orders, told }
    }

    /// Waits until it has loaded the library.
    pub fn is_ready(&mut self) {
        self.begin(&Order::default());
        self.report();
    }

    pub fn begin(&mut self, order: &Order) {
        let line = serde_json::to_string(order).unwrap() + "\n";
        self.orders.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    pub fn report(&mut self) -> Report {
        let line = self.told.next().expect("the process goes on until it is told to end");
        serde_json::from_str(&line.unwrap()).unwrap()
    }

    /// One call of a function, and its reply.
    pub fn ask(&mut self, function: &str, request: &Value) -> Value {
        self.begin(&Order { function: function.to_owned(), ..Order::call(request.clone()) });
        self.report().reply
    }

    /// A call that must succeed.
    #[track_caller]
    pub fn call(&mut self, request: &Value) -> Value {
        let reply = self.ask("rpa_call", request);
        assert_eq!(reply["code"], 0, "{reply}");
        reply
    }

    /// What `rpa_sign` says, which must succeed.
    #[track_caller]
    pub fn sign(&mut self, request: &Value) -> Value {
        let reply = self.ask("rpa_sign", request);
        assert_eq!(reply["code"], 0, "{reply}");
        reply["result"].clone()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        // One that is in the middle of something, or frozen, is not waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
