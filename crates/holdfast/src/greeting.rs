//! What a new user sees: where everything is, and a first request that works as it stands.

use std::net::SocketAddr;

use time::{Duration, OffsetDateTime};

/// Prints it, once the port is open.
#[expect(clippy::print_stdout, reason = "for the person at the terminal; the log goes to stderr")]
pub fn print(address: SocketAddr) {
    #[expect(clippy::disallowed_methods, reason = "the example's date; no rule hangs on it")]
    let tomorrow = (OffsetDateTime::now_utc() + Duration::DAY).date();
    let port = address.port();
    println!(
        "
Holdfast serves http://localhost:{port} until you press Ctrl-C. Book a room:

  curl -X POST localhost:{port}/api/bookings -H 'Content-Type: application/json' -H 'X-User-ID: alice' \\
    -d '{{\"resource\": \"Raum1\", \"start_time\": \"{tomorrow}T10:00:00Z\", \"end_time\": \"{tomorrow}T12:00:00Z\"}}'

See what became of it:

  curl localhost:{port}/api/bookings
"
    );
}
