//! A wire between a client and a server that breaks when a certain word goes over it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const LATE: Duration = Duration::from_secs(2);

/// What happens to the bytes in which the word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// They never arrive.
    Before,
    /// They arrive, and the answer does not come back.
    After,
    /// They arrive when the client has long given up.
    Late,
}

/// Starts a wire to a local port and gives the port of its near end. It breaks once; later connections hold.
pub fn breaking(to: u16, word: &'static [u8], how: Break) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let broken = Arc::new(AtomicBool::new(false));
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            let far = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut answers, mut back) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Both);
            });
            let broken = Arc::clone(&broken);
            thread::spawn(move || carry(near, far, word, how, &broken));
        }
    });
    port
}

fn carry(mut near: TcpStream, mut far: TcpStream, word: &[u8], how: Break, broken: &AtomicBool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = near.read(&mut bytes) {
        let bytes = &bytes[..read];
        let breaks = bytes.windows(word.len()).any(|it| it == word) && !broken.swap(true, Ordering::SeqCst);
        if breaks {
            // The near end first, so that no answer slips through.
            let _ = near.shutdown(Shutdown::Both);
        }
        if breaks && how == Break::Late {
            thread::sleep(LATE);
        }
        if !(breaks && how == Break::Before) && far.write_all(bytes).is_err() {
            break;
        }
        if breaks {
            // The server reads what was sent before it sees the end.
            let _ = far.shutdown(Shutdown::Write);
            return;
        }
    }
    let _ = far.shutdown(Shutdown::Both);
}
