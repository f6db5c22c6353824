//! Thousands of posts over connections that the server closes at random moments: each is seen at most once, and what the
//! caller is told of it is true.

use std::env;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use crate::harness::Library;
use crate::request;
use crate::server::{Connection, Server, reply};

const POSTS: usize = 5_000;
const CALLERS: usize = 8;

/// What the server knows of one post.
#[derive(Default)]
struct Seen {
    whole: AtomicUsize,
    /// It began to answer.
    answered: AtomicUsize,
}

/// Serves one request, or ends the connection at some point of it. `None` once it is closed.
fn serve(connection: &mut Connection, random: &mut Rng, posts: &[Seen]) -> Option<()> {
    let farewell = random.bool();
    let end = |connection: &Connection| {
        if !farewell {
            socket2::SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    };
    match random.u8(..10) {
        0 => {
            // While it is idle, or just as the next request is on its way.
            thread::sleep(Duration::from_micros(random.u64(..2000)));
            end(connection);
            return None;
        }
        1 => {
            let _ = connection.stream.read(&mut vec![0; random.usize(1..300)]);
            end(connection);
            return None;
        }
        _ => {}
    }
    let text = connection.request()?;
    let (_, after) = text.split_once("\"nr\": \"").expect("a post");
    let post = &posts[after.split('"').next().unwrap().parse::<usize>().unwrap()];
    post.whole.fetch_add(1, Ordering::SeqCst);
    let whole = reply("200 OK", "{\"code\":0}");
    let amount = match random.u8(..10) {
        0 => 0,
        1 => random.usize(1..whole.len()),
        _ => whole.len(),
    };
    if amount > 0 {
        post.answered.fetch_add(1, Ordering::SeqCst);
    }
    connection.send(&whole.as_bytes()[..amount]);
    if amount == whole.len() && random.u8(..10) > 0 {
        return Some(());
    }
    end(connection);
    None
}

fn seed() -> u64 {
    env::var("RPA_TEST_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("a number"))
}

#[test]
fn five_thousand_posts_over_connections_that_close() {
    let seed = seed();
    let posts: Arc<Vec<Seen>> = Arc::new((0..POSTS).map(|_| Seen::default()).collect());
    let seeds = Mutex::new(Rng::with_seed(seed));
    let known = posts.clone();
    let server = Server::start(move |connection| {
        let mut random = seeds.lock().unwrap().fork();
        while serve(connection, &mut random, &known).is_some() {}
    });
    let (library, next, outcomes) = (Library::load(), AtomicUsize::new(0), Mutex::new([0; 4]));
    let call = || {
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some(post) = posts.get(number) else { return };
            let mut request = request(&server.url(), "post", json!({}));
            request["data_json"] = json!({ "nr": number.to_string() });
            let told = library.json("rpa_call", &request);
            let (whole, answered) = (post.whole.load(Ordering::SeqCst), post.answered.load(Ordering::SeqCst));
            let what = format!("RPA_TEST_SEED={seed}: post {number}, seen {whole} times: {told}");
            assert!(whole <= 1, "{what}");
            let outcome = match told["error"]["delivered"].as_str() {
                None => {
                    assert_eq!((whole, told["code"].as_u64()), (1, Some(0)), "{what}");
                    0
                }
                Some("no") => {
                    assert_eq!(whole, 0, "{what}");
                    1
                }
                Some("unknown") => 2,
                Some(_) => {
                    assert_eq!((whole, answered), (1, 1), "{what}");
                    3
                }
            };
            outcomes.lock().unwrap()[outcome] += 1;
        }
    };
    thread::scope(|scope| (0..CALLERS).for_each(|_| drop(scope.spawn(call))));
    let outcomes = outcomes.into_inner().unwrap();
    // A server that closed nothing would show nothing.
    assert!(outcomes[0] > POSTS / 4 && outcomes[2] > POSTS / 50 && outcomes[3] > POSTS / 100, "{outcomes:?}");
    // A late one would come after its caller was told.
    thread::sleep(Duration::from_millis(200));
    assert!(posts.iter().all(|post| post.whole.load(Ordering::SeqCst) <= 1));
    println!("{POSTS} posts: answered, not delivered, unknown, broken off: {outcomes:?}");
}
