//! What Redis refuses, known by its sentences and told in words of our own: the setting to change, and whose turn it is. Its
//! own sentences are never told: they quote commands, and old ones a password.

/// What Redis refuses.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// The word that its error begins with, such as `READONLY`.
    code: String,
    known: Option<&'static Known>,
}

/// A refusal that is known by any of some words.
#[derive(Debug, PartialEq)]
struct Known {
    /// In upper case the codes, which stand alone; in lower case parts of the sentences of servers of all versions.
    by: &'static [&'static str],
    why: &'static str,
    zh: &'static str,
}

/// The first that fits counts.
const ALL: &[Known] = &[
    Known {
        by: &["without any password configured", "no password is set"],
        why: "it has no password, but `token_store.redis` gives one: take the password out of the address, or let its administrator set `requirepass` (a Sentinel's port says so, too: give that of Redis itself)",
        zh: "该Redis没有设密码,请去掉token_store.redis中的密码,或请Redis管理员设置密码;如果填的是Sentinel的端口,请改为Redis本身的端口",
    },
    Known {
        by: &["WRONGPASS", "invalid password", "invalid username-password"],
        why: "the user or the password in `token_store.redis` is wrong, or the user is disabled",
        zh: "Redis的用户名或密码错误,请检查token_store.redis",
    },
    Known {
        by: &["NOAUTH", "operation not permitted", "authentication required"],
        why: "it wants a password: write it into `token_store.redis` as `redis://:password@host:port`, or with a user as `redis://user:password@host:port`",
        zh: "该Redis要求密码,请在token_store.redis中写成redis://:密码@主机:端口",
    },
    Known {
        by: &["wrong number of arguments for 'auth'"],
        why: "it is older than version 6 and knows no users: give the password alone, as `redis://:password@host:port`",
        zh: "该Redis版本低于6,不支持用户名,请写成redis://:密码@主机:端口",
    },
    Known {
        by: &["NOPERM", "no permissions", "can't run this command"],
        why: "its user may not do what the store needs: let its administrator allow the keys `~rpa-openapi:*` and the commands +ping +select +eval +hmget +hget +hset +get +set +del +pexpire",
        zh: "该Redis用户权限不足,请Redis管理员授权:键~rpa-openapi:*,命令ping、select、eval、hmget、hget、hset、get、set、del、pexpire",
    },
    Known {
        by: &["DENIED", "protected mode"],
        why: "it is in protected mode and lets nobody in from another machine: let its administrator set a password (`requirepass`) and `bind`, and give the password in `token_store.redis`",
        zh: "该Redis处于保护模式,不接受其他机器的连接,请Redis管理员设置密码和bind,并在token_store.redis中写上密码",
    },
    Known {
        by: &["illegal address", "whitelist", "white list"],
        why: "it lets in listed addresses alone: let its administrator add this machine's",
        zh: "本机地址不在该Redis的白名单中,请Redis管理员添加",
    },
    Known {
        by: &["max number of clients"],
        why: "it has as many connections as it may have: let its administrator raise `maxclients`, or close what holds them",
        zh: "该Redis的连接数已满,请Redis管理员调大maxclients或清理连接",
    },
    Known {
        by: &["not allowed in cluster mode", "MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT", "TRYAGAIN", "redis cluster"],
        why: "it is a node of a Redis Cluster, which this store does not speak to: give a Redis that stands alone, or a proxy before the cluster",
        zh: "这是Redis集群的节点,不支持集群,请改用单机Redis(或集群前的代理)",
    },
    Known {
        by: &["unknown command 'hmget'", "unknown command 'select'", "unknown command 'ping'"],
        why: "it looks like a Sentinel, which keeps no data: give the port of Redis itself, mostly 6379",
        zh: "这像是Sentinel(哨兵)的端口,请改为Redis本身的端口(一般是6379)",
    },
    Known {
        by: &["unknown command", "unknown redis command", "not allowed from script", "bad lua script"],
        why: "a command that the store needs was renamed or forbidden there: let its administrator give back EVAL, HMGET, HGET, HSET, GET, SET, DEL, PEXPIRE (`rename-command` in redis.conf), or give another Redis",
        zh: "该Redis禁用或改名了所需的命令(EVAL等),请Redis管理员恢复(redis.conf的rename-command),或换一个Redis",
    },
    Known {
        by: &["db index", "value is out of range", "invalid db"],
        why: "it has no database of that number: change the number at the end of `token_store.redis`, mostly 0 to 15",
        zh: "该Redis没有这个编号的库,请修改token_store.redis末尾的库号(一般为0到15)",
    },
    Known {
        by: &["READONLY", "read only replica", "read only slave"],
        why: "it is a replica, which takes no changes: give the master's address in `token_store.redis`",
        zh: "这是Redis的只读副本,请把token_store.redis改为主节点的地址",
    },
    Known {
        by: &["MASTERDOWN"],
        why: "it is a replica that has lost its master: give the master's address in `token_store.redis`, or let its administrator mend the replication",
        zh: "这是与主节点断开的Redis副本,请改为主节点的地址,或请Redis管理员恢复复制",
    },
    Known {
        by: &["LOADING"],
        why: "it has just started and loads its data: it is there again by itself",
        zh: "Redis正在启动并加载数据,稍后会自动恢复",
    },
    Known {
        by: &["BUSY"],
        why: "a script of somebody else keeps it busy: let its administrator end that (SCRIPT KILL)",
        zh: "Redis正忙于执行其他程序的脚本,请Redis管理员处理(SCRIPT KILL)",
    },
    Known {
        by: &["OOM", "maxmemory"],
        why: "its memory is full: let its administrator raise `maxmemory`, or remove data",
        zh: "Redis内存已满,请Redis管理员调大maxmemory或清理数据",
    },
    Known {
        by: &["MISCONF", "rdb snapshots"],
        why: "it cannot save its data to disk and takes no changes: let its administrator look into its log (the disk may be full)",
        zh: "Redis无法写磁盘,已停止写入,请Redis管理员查看日志(可能磁盘已满)",
    },
    Known {
        by: &["NOREPLICAS", "good replicas", "good slaves"],
        why: "it has fewer replicas than `min-replicas-to-write` asks for: let its administrator mend them",
        zh: "Redis的可用副本数不足(min-replicas-to-write),请Redis管理员处理",
    },
    Known {
        by: &["WRONGTYPE"],
        why: "another program keeps something else under `rpa-openapi:`: give another database at the end of `token_store.redis`",
        zh: "该库中rpa-openapi:开头的键被其他程序占用,请换一个库号",
    },
];

impl Refusal {
    /// `line`: what Redis answered, less the sign that it is an error.
    pub(super) fn of(line: &str) -> Refusal {
        let code =
            line.split(' ').next().filter(|code| code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
        // What follows was sent by us, a script or a password.
        let sentence = line.split(", with args").next().unwrap_or(line).replace('`', "'");
        let lower = sentence.to_ascii_lowercase();
        let fits = |by: &&str| {
            // In an older version's scripts a code stands somewhere in the sentence.
            let mut words = sentence.split(|c: char| !c.is_ascii_alphabetic());
            if by.bytes().all(|byte| byte.is_ascii_uppercase()) {
                words.any(|word| word == *by)
            } else {
                lower.contains(by)
            }
        };
        let known = ALL.iter().find(|known| known.by.iter().any(fits));
        Refusal { code: code.unwrap_or("an error").to_owned(), known }
    }

    /// In English and in Chinese.
    pub(super) fn in_words(&self) -> (String, String) {
        let code = &self.code;
        match self.known {
            Some(Known { why, zh, .. }) => (format!("it answers {code}: {why}"), (*zh).to_owned()),
            None => (
                format!("it answers {code}: let its administrator look into its log"),
                "Redis返回错误,请Redis管理员查看其日志".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> String {
        let (why, zh) = Refusal::of(line).in_words();
        format!("{why} ({zh})")
    }

    /// As servers of several versions and makers say it.
    #[test]
    fn what_redis_refuses_is_told_with_the_remedy() {
        for (line, code, remedy, zh) in [
            ("NOAUTH Authentication required.", "NOAUTH", "redis://:password@host", "要求密码"),
            ("ERR operation not permitted", "ERR", "redis://:password@host", "要求密码"),
            ("WRONGPASS invalid username-password pair or user is disabled.", "WRONGPASS", "is wrong", "密码错误"),
            ("ERR invalid password", "ERR", "is wrong", "密码错误"),
            ("ERR Client sent AUTH, but no password is set", "ERR", "take the password out", "没有设密码"),
            ("ERR wrong number of arguments for 'auth' command", "ERR", "password alone", "低于6"),
            (
                "NOPERM this user has no permissions to run the 'eval' command or its subcommand",
                "NOPERM",
                "+eval",
                "授权",
            ),
            (
                "ERR The user executing the script can't run this command or subcommand script: 60b5, on @user_script:1.",
                "ERR",
                "+hset",
                "授权",
            ),
            ("ERR illegal address: 10.0.0.9:51234", "ERR", "listed addresses", "白名单"),
            ("ERR max number of clients reached", "ERR", "maxclients", "连接数已满"),
            ("MOVED 3999 10.0.0.7:6381", "MOVED", "Cluster", "集群"),
            ("ASK 3999 10.0.0.7:6381", "ASK", "Cluster", "集群"),
            ("CLUSTERDOWN Hash slot not served", "CLUSTERDOWN", "Cluster", "集群"),
            ("ERR SELECT is not allowed in cluster mode", "ERR", "Cluster", "集群"),
            (
                "ERR bad lua script for redis cluster, all the keys that the script uses should be",
                "ERR",
                "Cluster",
                "集群",
            ),
            ("ERR unknown command 'HMGET', with args beginning with: 'a' 'b' ", "ERR", "Sentinel", "哨兵"),
            (
                "ERR unknown command `EVAL`, with args beginning with: `redis.call('HSET'` ",
                "ERR",
                "rename-command",
                "改名",
            ),
            (
                "ERR unknown command 'EVAL', with args beginning with: 'READONLY' 'db index'",
                "ERR",
                "rename-command",
                "改名",
            ),
            ("ERR unknown command 'EVAL'", "ERR", "rename-command", "改名"),
            (
                "ERR Unknown Redis command called from script script: 60b5, on @user_script:1.",
                "ERR",
                "rename-command",
                "改名",
            ),
            ("ERR DB index is out of range", "ERR", "0 to 15", "库号"),
            ("ERR invalid DB index", "ERR", "0 to 15", "库号"),
            ("READONLY You can't write against a read only replica.", "READONLY", "master", "主节点"),
            (
                "ERR Error running script (call to f_60b5): @user_script:5: @user_script: 5: -READONLY You can't write against a read only slave.",
                "ERR",
                "master",
                "主节点",
            ),
            (
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
                "MASTERDOWN",
                "replication",
                "复制",
            ),
            ("LOADING Redis is loading the dataset in memory", "LOADING", "by itself", "自动恢复"),
            (
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
                "BUSY",
                "SCRIPT KILL",
                "脚本",
            ),
            ("OOM command not allowed when used memory > 'maxmemory'.", "OOM", "maxmemory", "内存已满"),
            (
                "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist",
                "MISCONF",
                "disk",
                "磁盘",
            ),
            ("NOREPLICAS Not enough good replicas to write.", "NOREPLICAS", "min-replicas", "副本"),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                "WRONGTYPE",
                "another database",
                "换一个库号",
            ),
            ("ODDNESS something new", "ODDNESS", "its log", "日志"),
        ] {
            let told = told(line);
            assert!(told.starts_with(&format!("it answers {code}: ")), "{line}: {told}");
            assert!(told.contains(remedy) && told.contains(zh), "{line}: {told}");
        }
    }

    #[test]
    fn its_own_words_are_never_told() {
        for line in [
            "hunter2 is no password",
            "ERR unknown command 'AUTH', with args beginning with: 'hunter2'",
            "ERR wrong: hunter2",
            "ERR Protocol error: expected '$', got 'hunter2'",
        ] {
            assert!(!told(line).contains("hunter2"), "{line}");
        }
    }
}
