use std::collections::BTreeMap;
use std::fs;
use std::thread;

use rpa_test_support::folder;

use super::super::suite::{self, sealed};
use super::*;

// A busy machine lets a thread, or its disk a write, wait for long.
const LIMIT: Duration = Duration::from_secs(60);

struct Folder(folder::Folder);

impl Folder {
    fn new() -> Folder {
        Folder(folder::Folder::new("rpa 令牌"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn store(&self) -> FileStore {
        FileStore::new(&self.0.join("下级").join("令牌.json"))
    }

    /// The names of all that stands in it.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What each of the store's methods says of its trouble.
fn troubles(store: &FileStore) -> [String; 3] {
    let why = |Trouble(why)| why;
    [
        store.load("a", LIMIT).map_err(why).expect_err("loaded"),
        store.save("a", &sealed(1), LIMIT).map_err(why).expect_err("saved"),
        store.try_lease("a", 0, LIMIT).map(|_| ()).map_err(why).expect_err("leased"),
    ]
}

fn works(store: &FileStore, generation: u64) {
    assert!(store.try_lease("a", 0, LIMIT).unwrap().is_some());
    assert_eq!(store.save("a", &sealed(generation), LIMIT), Ok(true));
    assert_eq!(store.load("a", LIMIT), Ok(Some(sealed(generation))));
}

#[test]
fn does_what_every_store_must() {
    let folder = Folder::new();
    suite::run(|| Arc::new(folder.store()));
}

#[test]
fn a_damaged_file_of_ours_and_an_empty_one_are_as_good_as_none() {
    let folder = Folder::new();
    let store = folder.store();
    store.save("a", &sealed(1), LIMIT).unwrap();
    let whole = fs::read(&store.file.path).unwrap();
    for end in 0..whole.len() {
        fs::write(&store.file.path, &whole[..end]).unwrap();
        assert_eq!(store.load("a", LIMIT), Ok(None), "cut at {end}");
    }
    let damaged: [&[u8]; 7] = [
        b"",
        b"\r\n",
        &[0; 4096],
        b"{\"rpa-openapi token store\":2,\"changes\":0,\"tokens\":{}}",
        b"\xef\xbb\xbf{\r\n  \"rpa-openapi token store\": 1,\r\n  \"chan",
        &[b"{\"rpa-openapi token store\":1,", &*vec![b' '; 17 << 20]].concat(),
        b"{",
    ];
    for bytes in damaged {
        fs::write(&store.file.path, bytes).unwrap();
        assert_eq!(store.load("a", LIMIT), Ok(None));
        works(&store, 1);
    }
    fs::write(&store.file.path, String::from_utf8(whole).unwrap().replace("\"sealed\":\"", "\"sealed\":\"?")).unwrap();
    assert_eq!(store.load("a", LIMIT), Ok(None), "no Base64");
}

#[test]
fn a_file_that_is_not_ours_is_left_alone_and_told() {
    let folder = Folder::new();
    let foreign: [&[u8]; 9] = [
        b"# GlobalFun.py\nRPA_HOST = \"https://rpa-openapi token store\"\n",
        b"{\"host\":\"https://10.0.0.5\"}",
        b"{\"tokens\":{}}",
        b"{}",
        b"[1]",
        b"null",
        b"\xff\xfe\0",
        b"{{",
        &vec![b'{'; 17 << 20],
    ];
    for bytes in foreign {
        let store = FileStore::new(&folder.path("settings"));
        fs::write(&store.file.path, bytes).unwrap();
        for why in troubles(&store) {
            assert!(why.contains("left alone: give a path of its own") && why.contains("请换一个文件名"), "{why}");
        }
        assert_eq!(fs::read(&store.file.path).unwrap(), bytes);
        assert_eq!(folder.names(), ["settings"], "nothing is put beside it");
    }
}

#[test]
fn what_is_no_file_is_left_alone_and_told() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder")).unwrap();
    let mut places = vec![(folder.path("folder"), "文件夹")];
    #[cfg(unix)]
    let _socket = {
        places.push((PathBuf::from("/dev/null"), "设备"));
        places.push((folder.path("socket"), "套接字"));
        if std::process::Command::new("mkfifo").arg(folder.path("pipe")).status().is_ok_and(|status| status.success()) {
            places.push((folder.path("pipe"), "管道"));
        }
        std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap()
    };
    let names = folder.names();
    for (path, kind) in places {
        for why in troubles(&FileStore::new(&path)) {
            assert!(why.contains("left alone") && why.contains(kind), "{why}");
        }
    }
    assert_eq!(folder.names(), names, "nothing is put beside them");
}

#[test]
fn what_stands_beside_it_and_is_not_ours_is_left_alone() {
    let folder = Folder::new();
    let store = FileStore::new(&folder.path("a"));
    for name in ["a.new", "a.0123456789abcdef.new", "a.notes.new", "b.0123456789abcdef.new"] {
        fs::write(folder.path(name), "mine").unwrap();
    }
    works(&store, 1);
    for name in ["a.new", "a.0123456789abcdef.new", "a.notes.new", "b.0123456789abcdef.new"] {
        assert_eq!(fs::read(folder.path(name)).unwrap(), b"mine", "{name}");
    }
    let other = FileStore::new(&folder.path("poetry"));
    fs::write(folder.path("poetry.lock"), "mine").unwrap();
    let Err(Trouble(why)) = other.save("a", &sealed(1), LIMIT) else { panic!("saved") };
    assert!(why.contains("poetry.lock") && why.contains("请换一个文件名"), "{why}");
    assert_eq!(fs::read(folder.path("poetry.lock")).unwrap(), b"mine");
}

#[test]
fn what_a_killed_process_left_is_taken_away() {
    let folder = Folder::new();
    let store = FileStore::new(&folder.path("a"));
    works(&store, 1);
    let whole = fs::read(&store.file.path).unwrap();
    for name in ["a.new", "a.0123456789abcdef.new", "a.fedcba9876543210.new", "a.00000000ffffffff.new"] {
        fs::write(folder.path(name), &whole[..fastrand::usize(..whole.len())]).unwrap();
    }
    works(&store, 9);
    assert_eq!(folder.names(), ["a", "a.a.lock", "a.lock"]);
}

#[test]
fn forgets_the_oldest_of_many() {
    let folder = Folder::new();
    let store = FileStore::new(&folder.path("a"));
    fs::write(&store.file.path, Content::full().bytes().unwrap()).unwrap();
    store.save("new", &sealed(1), LIMIT).unwrap();
    assert!(store.load("new", LIMIT).unwrap().is_some());
    assert_eq!(store.load("0", LIMIT), Ok(None));
    assert!(store.load("1", LIMIT).unwrap().is_some());
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let folder = Folder::new();
    fs::write(folder.path("a file"), "x").unwrap();
    for why in troubles(&FileStore::new(&folder.path("a file").join("store"))) {
        assert!(why.starts_with("the file of `token_store` cannot be used: ") && why.contains("不是文件夹"), "{why}");
    }
}

#[test]
fn who_waits_for_another_writer_keeps_the_limit() {
    let folder = Folder::new();
    let store = FileStore::new(&folder.path("a"));
    works(&store, 1);
    let lock = Lock::take(&folder.path("a.lock"), Instant::now() + LIMIT).unwrap();
    let mut all = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let Err(Trouble(why)) = store.save("a", &sealed(2), Duration::from_millis(60)) else { panic!("saved") };
        all.push((begun.elapsed(), why));
        // Where the thread was late, its drive counts as hung until it has ended.
        let begun = Instant::now();
        while store.hung.load(Ordering::SeqCst) && begun.elapsed() < LIMIT {
            thread::sleep(PAUSE);
        }
    }
    // A machine that is busy may lose some of them, but not all.
    let best = all.iter().map(|(elapsed, _)| *elapsed).min().unwrap();
    assert!(best < Duration::from_millis(75), "{all:?}");
    assert!(all.iter().any(|(_, why)| why.contains("另一进程一直占用")), "{all:?}");
    drop(lock);
    // The last thread that waited may not have ended yet.
    let begun = Instant::now();
    while store.load("a", LIMIT).is_err() {
        assert!(begun.elapsed() < LIMIT, "it is never well again");
    }
    works(&store, 3);
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use super::*;

    #[test]
    fn only_its_owner_can_read_it() {
        let folder = Folder::new();
        let store = folder.store();
        drop(store.try_lease("abcdefghij", 0, LIMIT));
        store.save("abcdefghij", &sealed(1), LIMIT).unwrap();
        let entries = fs::read_dir(store.file.path.parent().unwrap()).unwrap();
        let modes: BTreeMap<_, _> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
            })
            .collect();
        let names = ["令牌.json", "令牌.json.abcdefgh.lock", "令牌.json.lock"];
        assert_eq!(modes, names.map(|name| (name.to_owned(), 0o600)).into());
    }

    #[test]
    fn mode_owner_and_group_stay_as_an_administrator_set_them() {
        let folder = Folder::new();
        let store = FileStore::new(&folder.path("a"));
        fs::write(&store.file.path, "").unwrap();
        // Another owner is what only root can give.
        let (owner, group) = match chown(&store.file.path, Some(12345), Some(54321)) {
            Ok(()) => (12345, 54321),
            Err(_) => {
                let found = fs::metadata(&store.file.path).unwrap();
                (found.uid(), found.gid())
            }
        };
        fs::set_permissions(&store.file.path, fs::Permissions::from_mode(0o660)).unwrap();
        for generation in 1..4 {
            works(&store, generation);
            let found = fs::metadata(&store.file.path).unwrap();
            assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o660, owner, group));
        }
    }

    #[test]
    fn a_symbolic_link_is_followed_and_stays() {
        let folder = Folder::new();
        fs::create_dir(folder.path("there")).unwrap();
        symlink("there/second", folder.path("first")).unwrap();
        symlink(folder.path("there/tokens"), folder.path("there/second")).unwrap();
        // What it leads to need not exist yet.
        let store = FileStore::new(&folder.path("first"));
        works(&store, 1);
        works(&store, 2);
        works(&FileStore::new(&folder.path("there/tokens")), 3);
        assert_eq!(store.load("a", LIMIT), Ok(Some(sealed(3))));
        assert_eq!(folder.names(), ["first", "there"]);
        for link in ["first", "there/second"] {
            assert!(fs::symlink_metadata(folder.path(link)).unwrap().is_symlink(), "{link}");
        }
        // The locks are those of the file, not of the link.
        assert!(folder.path("there/tokens.lock").exists());
        fs::write(folder.path("there/tokens"), "mine").unwrap();
        troubles(&store);
        assert_eq!(fs::read(folder.path("there/tokens")).unwrap(), b"mine");
        symlink("circle", folder.path("circle")).unwrap();
        assert!(troubles(&FileStore::new(&folder.path("circle")))[0].contains("符号链接"));
    }

    #[test]
    fn a_hard_link_stays_one() {
        let folder = Folder::new();
        let (store, other) = (FileStore::new(&folder.path("a")), FileStore::new(&folder.path("b")));
        works(&store, 1);
        fs::hard_link(folder.path("a"), folder.path("b")).unwrap();
        store.save("long", &sealed(1), LIMIT).unwrap();
        works(&store, 2);
        assert_eq!(other.load("a", LIMIT), Ok(Some(sealed(2))));
        works(&other, 3);
        assert_eq!(store.load("a", LIMIT), Ok(Some(sealed(3))));
        assert_eq!(fs::metadata(folder.path("a")).unwrap().nlink(), 2);
    }

    #[test]
    fn a_folder_or_a_file_that_may_not_be_written_is_left_as_it_is() {
        let folder = Folder::new();
        fs::create_dir(folder.path("closed")).unwrap();
        let store = FileStore::new(&folder.path("closed/a"));
        works(&store, 1);
        let before = fs::read(&store.file.path).unwrap();
        fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o500)).unwrap();
        // Root may write anywhere.
        if fs::write(folder.path("closed/probe"), "").is_err() {
            let Err(Trouble(why)) = store.save("a", &sealed(2), LIMIT) else { panic!("saved") };
            assert!(why.contains("写权限"), "{why}");
            assert_eq!(fs::read(&store.file.path).unwrap(), before);
        }
        fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(&store.file.path, fs::Permissions::from_mode(0o400)).unwrap();
        if fs::OpenOptions::new().write(true).open(&store.file.path).is_err() {
            let Err(Trouble(why)) = store.save("a", &sealed(2), LIMIT) else { panic!("saved") };
            assert!(why.contains("写权限"), "{why}");
        }
    }
}
