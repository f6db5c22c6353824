//! The processes and robots of this control center. They never change; jobs do.

use serde::Serialize;

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    pub proc_code: &'static str,
    pub proc_name: &'static str,
    pub proc_ver: &'static str,
    pub proc_status: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Robot {
    /// `user@MAC`, as a control center numbers its robots.
    pub robot_no: &'static str,
    pub robot_name: &'static str,
    pub agent_os: &'static str,
}

pub static PROCESSES: [Process; 4] = [
    process("P001", "月结报表", "v20201130173617"),
    process("P002", "发票验真", "v20201102091500"),
    process("P003", "银行对账", "v20200928144210"),
    process("P004", "员工入职", "v20200715103045"),
];

pub static ROBOTS: [Robot; 3] = [
    robot("Administrator@0A1B2C3D4E5F", "财务一号", "Windows 10"),
    robot("finance@0A1B2C3D4E60", "财务二号", "Windows 10"),
    robot("hr@0A1B2C3D4E61", "人事一号", "Windows 7"),
];

pub fn process_of(code: &str) -> Option<&'static Process> {
    PROCESSES.iter().find(|process| process.proc_code == code)
}

pub fn robot_of(number: &str) -> Option<&'static Robot> {
    ROBOTS.iter().find(|robot| robot.robot_no == number)
}

const fn process(code: &'static str, name: &'static str, version: &'static str) -> Process {
    Process { proc_code: code, proc_name: name, proc_ver: version, proc_status: "enable" }
}

const fn robot(number: &'static str, name: &'static str, os: &'static str) -> Robot {
    Robot { robot_no: number, robot_name: name, agent_os: os }
}
