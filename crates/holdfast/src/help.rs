//! What `--help` says besides each option: what the system is, the commands in the order in which one needs them, and of
//! each what it needs and prints, its exit codes, and examples.

/// How `holdfast --help` is laid out: a screenful. The options of every process are told with each command.
pub const TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Commands, in the order in which they are needed:
{subcommands}{after-help}";

pub const ABOUT: &str = "\
A booking engine: people book shared things by time range, at the same time and from many machines, and never get the
same thing twice. Bookings are taken over HTTP and kept in PostgreSQL; who subscribes is told over WebSocket, by way of
Redis.";

pub const ALL: &str = "\
Two settings everybody needs, in the environment or as --database-url and --redis-url:
  DATABASE_URL=postgres://USER:PASSWORD@HOST:PORT/NAME
  REDIS_URL=redis://USER:PASSWORD@HOST:PORT

Examples, with these two set:
  holdfast migrate                   make the schema, or bring it up to date: before anything else
  holdfast run                       serve http://localhost:8000 until Ctrl-C
  holdfast watch                     beside it: how many are accepted, granted, waiting; who lags behind
  holdfast watch --changes           each change as it is written
  holdfast verify                    has a promise been broken? 0: no; 1: yes; 2: could not be told
  holdfast fairness EVENT_ID         of one event: who came when, who got what, who was served before whom
  holdfast recover leap              after PostgreSQL was restored from an older copy
  holdfast docs                      the pages, where each service runs on its own
  holdfast openapi > openapi.json    the API's document

`holdfast COMMAND --help` tells what a command does, needs and prints, its exit codes, and each of its settings with
unit, range and default. Every setting can be given in the environment, under the name in brackets, or as an option.";

pub const MIGRATE: &str = "\
Needs: PostgreSQL, as a user who owns the database and may create the extension btree_gist. Straight, not through a pooler.
Services of the release before go on; those of this one are ready once it has run: see migrations/README.md.
Prints: the schema's version, in a log line on stderr.
Exit codes: 0 up to date; 1 failed, the migrations before stay; 2 a setting is wrong.

Examples:
  holdfast migrate
  holdfast migrate --default-time-zone Europe/Berlin";

pub const RUN: &str = "\
Needs: PostgreSQL with the schema; Redis, without which bookings are taken and decided as ever and only sockets wait.
Neither has to be there when it starts: /readyz says what is missing.
Prints: its log on stderr, JSON unless LOG_FORMAT says text.
Exit codes: 0 told to stop by SIGINT or SIGTERM, and stopped in time; 1 failed, or cut short; 2 a setting is wrong, or two
contradict each other.

Examples:
  holdfast run
  HTTP_PORT=9000 GRACE_PERIOD_MINUTES=5 holdfast run
  holdfast run --http-host 0.0.0.0 --log-format text";

pub const WATCH: &str = "\
Needs: PostgreSQL; Redis for the lag of the relays. A user who is not the services' own sees the transactions of others only
as a member of pg_read_all_stats. Reads only, and never waits for a writer.
Prints: a line a second on stdout:
  accepted/s, granted/s, rejected/s   bookings made, changed and given up; wants granted; wants and moves rejected
  open wants                          bookings that are PENDING, counted up to 100,000
  undecided (shard)                   positions between the log's end and the decision's cursor, of the worst shard; up to
                                      10,000 also where nothing waits
  relay lag (shard)                   positions between the log's end and the stream's, of the worst shard
  oldest tx                           how long the oldest transaction of the database has been open; old ones slow all down
With --changes: a line a change, with time, tenant, shard, seq, type, object, and who did it (`-`: the engine).
When PostgreSQL goes it says so, and goes on when it is back.
Exit codes: 0 told to stop, or nobody reads any more; 1 failed, as on an older schema; 2 a setting is wrong.

Examples:
  holdfast watch
  holdfast watch --changes --tenant 00000000-0000-0000-0000-000000000001 --after 0
  holdfast watch --changes --json | jq -r 'select(.type == \"booking_rejected\") | .data.booking.id'";

pub const VERIFY: &str = "\
Reads each shard's log from its begin to where it ended at the start, replays it, and holds it against
  log   every position is there, in order of time, and each change follows from the one before
  P1    no two bookings hold the same time of one resource, at any commit; nor do they now, in the table
  P2    each row of bookings, resources, venues, events and reservations is as the last change of it says, and each has
        one; open_wants is the number of bookings that are PENDING
  P4    first come, first served: at each grant no earlier want that overlaps it would have fitted; none was rejected
        before its time, or though it would have fitted
  P5    no more of a section is taken than there is, a seat has one holder, and a hold ends at its end
  waitlist
        whoever takes units passes over nobody in line who would fit; who is first in line, of those who fit, is served
The services may run: it reads in pages, each a statement of its own, and takes no lock that a writer waits for. Of a log that
was pruned (CHANGES_KEEP_DAYS) it judges what can be known, and says how much can't.
Needs: PostgreSQL with this release's schema; about 25 MB of memory, and 450 bytes more for each booking that is PENDING or
VALID in the largest shard.
Prints: figures and finds on stdout, at most --finds-max of them; a progress bar on stderr if that is a terminal.
Exit codes: 0 nothing was found; 1 something was; 2 it could not be verified: no database, an older schema, a setting is
wrong, or cut short.

Examples:
  holdfast verify
  holdfast verify --tenant 00000000-0000-0000-0000-000000000001
  holdfast verify --shard 3 --from 1000000
  holdfast verify --json | jq '.finds[]'";

pub const FAIRNESS: &str = "\
Reads the log of the event's shard from its begin to where it ended at the start, and nothing else. The services may run.
Prints, on stdout:
  came         how many people, and when: those in line by the shard's clock, those at the door, who took units at once, by
               that of the process that they asked
  got by       units that were taken at the door (hold) or held for somebody in line (offer), and what has become of them
  in line      how many came, how long those waited who were offered something; how often somebody was passed over who would
               have fitted, which must be 0; and how many pairs there are of which the later was served first because what
               the earlier asked for was not there then
  at the door  how many pairs of holds were written the other way round than they were asked for, and how far apart these
               were at most: the order in the log is that in which the engine took them
With --json one object: the same, with each who took something (`taken`) and each who stood in line (`line`).
It can't tell who was refused: that leaves no trace in the log.
Needs: PostgreSQL with this release's schema; memory for each who took units of the event, or stood in line for some.
Exit codes: 0 told, whatever it is; 1 there is no such event, or the log could not be read; 2 a setting is wrong.

Examples:
  holdfast fairness 01977b6c-9d00-7000-8000-000000000001
  holdfast fairness 01977b6c-9d00-7000-8000-000000000001 --tenant 00000000-0000-0000-0000-000000000001
  holdfast fairness 01977b6c-9d00-7000-8000-000000000001 --json | jq '.line[] | select(.was_overtaken)'";

pub const RECOVER: &str = "\
Exit codes: 0 done; 1 failed: what was done until then stays done, and it may be run again; 2 a setting is wrong.

Examples:
  holdfast recover leap                    PostgreSQL was restored from an older copy, and no service runs
  holdfast recover leap --without-redis    the same, and Redis is lost as well
  holdfast recover clock                   writes are refused with 503 `clock`, and the server's clock is right again";

pub const DOCS: &str = "\
Needs: nothing. With `holdfast run` it is not needed: that serves the pages itself.
Serves `/`, `/docs` and `/openapi.json`; prints its log on stderr.
Exit codes: 0 told to stop; 1 failed, as when the port is taken; 2 a setting is wrong.

Examples:
  holdfast docs
  HTTP_PORT=9001 holdfast docs";

pub const OPENAPI: &str = "\
Needs: nothing.
Prints: the document on stdout; the services serve it at /openapi.json.
Exit codes: 0 printed; 1 failed.

Examples:
  holdfast openapi > openapi.json";
