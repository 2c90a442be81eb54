//! What a new user sees, at the terminal and at `/`: where everything is, and a first request that works as it stands.

use holdfast_runtime::docs::Start;
use time::{Duration, OffsetDateTime};

/// Prints it, once the port is open.
#[expect(clippy::print_stdout, reason = "for the person at the terminal; the log goes to stderr")]
pub fn print(port: u16) {
    let first = first_request(&format!("localhost:{port}"), Duration::DAY);
    println!(
        "
Holdfast serves http://localhost:{port} until you press Ctrl-C. Book a room:

{first}

See what became of it:

  curl localhost:{port}/api/bookings

All that can be asked is told at http://localhost:{port}/docs
"
    );
}

/// What `/` says, on a page that is read for as long as the process runs.
pub fn start(first_request: &str) -> Start<'_> {
    Start {
        title: "Holdfast",
        about: "A booking engine: people book shared things by time range, at the same time and from many machines, and \
                never get the same thing twice.",
        places: &[("/api/v1/bookings", "All bookings."), ("/api/v1/changes", "All that has happened.")],
        example: first_request,
    }
}

/// Books a room at this origin, `ahead` of now.
pub fn first_request(origin: &str, ahead: Duration) -> String {
    #[expect(clippy::disallowed_methods, reason = "the example's date; no rule hangs on it")]
    let day = (OffsetDateTime::now_utc() + ahead).date();
    format!(
        "  curl -X POST {origin}/api/bookings -H 'Content-Type: application/json' -H 'X-User-ID: alice' \\
    -d '{{\"resource\": \"Raum1\", \"start_time\": \"{day}T10:00:00Z\", \"end_time\": \"{day}T12:00:00Z\"}}'"
    )
}
