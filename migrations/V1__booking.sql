-- The first schema: tenants and what they own, the head of each shard, and the log.
--
-- Texts that are compared and not shown in order have the collation "C": bytes, whatever the server's locale.
--
-- What a tenant owns carries its shard first in every key, so that one transaction touches one shard
-- and a distributed PostgreSQL can spread the tables by it.

-- The exclusion needs equality on plain types inside GiST.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE tenants (
    id uuid NOT NULL,
    shard smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_shard_id_key UNIQUE (shard, id),
    CONSTRAINT tenants_shard_is_one_of_64 CHECK (shard BETWEEN 0 AND 63)
);
COMMENT ON TABLE tenants IS 'Organisations; nothing crosses from one to another.';
COMMENT ON COLUMN tenants.id IS 'Which one.';
COMMENT ON COLUMN tenants.shard IS 'crc32(id, 16 bytes) % 64: where all that it owns lives. Never changes.';
COMMENT ON COLUMN tenants.name IS 'What people call it.';
COMMENT ON COLUMN tenants.created_at IS 'When it was made.';

CREATE TABLE venues (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    time_zone text NOT NULL,
    address text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT venues_pkey PRIMARY KEY (shard, tenant_id, id),
    CONSTRAINT venues_tenant_fkey FOREIGN KEY (shard, tenant_id) REFERENCES tenants (shard, id),
    CONSTRAINT venues_name_key UNIQUE (shard, tenant_id, name)
);
COMMENT ON TABLE venues IS 'Places of a tenant.';
COMMENT ON COLUMN venues.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN venues.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN venues.id IS 'Which one.';
COMMENT ON COLUMN venues.name IS 'What people call it; exact within the tenant.';
COMMENT ON COLUMN venues.time_zone IS 'IANA name; which day a time falls on here.';
COMMENT ON COLUMN venues.address IS 'Where it is.';
COMMENT ON COLUMN venues.version IS 'Rises with each write, from 1.';
COMMENT ON COLUMN venues.created_at IS 'When it was made, on the shard''s clock.';
COMMENT ON COLUMN venues.updated_at IS 'When it was last written, on the shard''s clock.';

-- open_wants and judged change with every batch and every step: room in the page keeps those updates HOT.
CREATE TABLE resources (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    venue_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    shortest_seconds integer NOT NULL,
    longest_seconds integer NOT NULL,
    days_ahead integer NOT NULL,
    open_wants integer NOT NULL DEFAULT 0,
    judged bigint NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT resources_pkey PRIMARY KEY (shard, tenant_id, id),
    CONSTRAINT resources_venue_fkey FOREIGN KEY (shard, tenant_id, venue_id) REFERENCES venues (shard, tenant_id, id),
    -- Without the tenant, whose the venue is: beside the primary key it must not begin like it.
    CONSTRAINT resources_name_key UNIQUE (shard, venue_id, name),
    -- The look for conflicts goes back by the longest booking there can be: domain's BookingLimits::LONGEST_SECONDS.
    CONSTRAINT resources_limits_in_order CHECK (
        0 < shortest_seconds AND shortest_seconds <= longest_seconds AND longest_seconds <= 31 * 86400),
    CONSTRAINT resources_days_ahead_positive CHECK (days_ahead > 0),
    CONSTRAINT resources_open_wants_not_negative CHECK (open_wants >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE resources IS 'Things of capacity one that are booked by time range.';
COMMENT ON COLUMN resources.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN resources.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN resources.id IS 'Which one.';
COMMENT ON COLUMN resources.venue_id IS 'Where it is.';
COMMENT ON COLUMN resources.name IS 'What people call it: NFC, trimmed, exact within the venue.';
COMMENT ON COLUMN resources.shortest_seconds IS 'The shortest booking taken.';
COMMENT ON COLUMN resources.longest_seconds IS 'The longest booking taken.';
COMMENT ON COLUMN resources.days_ahead IS 'How many days ahead a booking may end.';
COMMENT ON COLUMN resources.open_wants IS 'How many of its bookings are PENDING; written under the head with each of them.';
COMMENT ON COLUMN resources.judged IS 'The seq up to which it has been decided whole.';
COMMENT ON COLUMN resources.version IS 'Rises with each write of what people see, from 1.';
COMMENT ON COLUMN resources.created_at IS 'When it was made, on the shard''s clock.';
COMMENT ON COLUMN resources.updated_at IS 'When it was last written, on the shard''s clock.';

CREATE TABLE bookings (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    resource_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    wanted_start_at timestamptz NOT NULL,
    wanted_end_at timestamptz NOT NULL,
    granted tstzrange,
    rank bigint NOT NULL,
    decide_by timestamptz,
    title text,
    note text,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT bookings_resource_fkey FOREIGN KEY (shard, tenant_id, resource_id)
        REFERENCES resources (shard, tenant_id, id),
    CONSTRAINT bookings_wanted_in_order CHECK (wanted_start_at < wanted_end_at),
    CONSTRAINT bookings_status_agrees CHECK (
        CASE status
            WHEN 'PENDING' THEN decide_by IS NOT NULL
            WHEN 'VALID' THEN decide_by IS NULL AND granted = tstzrange(wanted_start_at, wanted_end_at)
            WHEN 'REJECTED' THEN decide_by IS NULL AND granted IS NULL
            WHEN 'CANCELLED' THEN decide_by IS NULL AND granted IS NULL
            ELSE false
        END
    )
);
-- A statement is planned once, often before the table has rows, when every index that can serve it looks alike
-- and the youngest is taken. So they are partial on different columns, and stand in this order: each statement
-- finds the one that was made for it younger than the others that it could use. A test looks at the plans.
CREATE INDEX bookings_listed ON bookings (tenant_id, wanted_start_at, id);
ALTER TABLE bookings ADD CONSTRAINT bookings_pkey PRIMARY KEY (shard, tenant_id, id);
-- The net under the head: even a defect of ours can't store two overlapping grants. Deferrable, so that one
-- UPDATE can hand a range from one booking to another.
ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap
    EXCLUDE USING gist (shard WITH =, resource_id WITH =, granted WITH &&) WHERE (granted IS NOT NULL)
    DEFERRABLE INITIALLY IMMEDIATE;
CREATE INDEX bookings_due ON bookings (shard, decide_by) WHERE decide_by IS NOT NULL;
-- What is wanted and what is granted, each by its start: the decision and the look for conflicts read nothing else.
CREATE INDEX bookings_live ON bookings (shard, resource_id, status, wanted_start_at, wanted_end_at)
    WHERE status IN ('PENDING', 'VALID');
-- Moves that are not decided yet: they hold another range than they want.
CREATE INDEX bookings_moving ON bookings (shard, resource_id) WHERE status = 'PENDING' AND granted IS NOT NULL;
COMMENT ON TABLE bookings IS 'Claims of users on resources: what is wanted and what is granted.';
COMMENT ON COLUMN bookings.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN bookings.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN bookings.id IS 'Which one.';
COMMENT ON COLUMN bookings.resource_id IS 'What is booked; never changes.';
COMMENT ON COLUMN bookings.user_id IS 'Who books.';
COMMENT ON COLUMN bookings.status IS 'PENDING, then VALID or REJECTED; CANCELLED from PENDING or VALID.';
COMMENT ON COLUMN bookings.wanted_start_at IS 'Begin of the range that the user asks for.';
COMMENT ON COLUMN bookings.wanted_end_at IS 'First moment after it.';
COMMENT ON COLUMN bookings.granted IS 'The range that it holds now, half-open; while a move is pending, the old one.';
COMMENT ON COLUMN bookings.rank IS 'Seq of the change that asked for the range: first come, first served.';
COMMENT ON COLUMN bookings.decide_by IS 'When an open want that does not fit is rejected, on the shard''s clock; null unless PENDING.';
COMMENT ON COLUMN bookings.title IS 'A line about it.';
COMMENT ON COLUMN bookings.note IS 'More about it.';
COMMENT ON COLUMN bookings.version IS 'Rises with each write, from 1.';
COMMENT ON COLUMN bookings.created_at IS 'When it was made, on the shard''s clock.';
COMMENT ON COLUMN bookings.updated_at IS 'When it was last written, on the shard''s clock.';

-- One row a shard, written by every transaction: pages nearly empty, so that each new version fits beside the old
-- and the update stays HOT; vacuumed often.
CREATE TABLE heads (
    shard smallint NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    decided bigint NOT NULL DEFAULT 0,
    floor bigint NOT NULL DEFAULT 0,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT heads_pkey PRIMARY KEY (shard),
    CONSTRAINT heads_in_order CHECK (0 <= floor AND floor <= seq AND 0 <= decided AND decided <= seq)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE heads IS 'Where each shard''s log ends; whoever holds the row''s lock may append.';
COMMENT ON COLUMN heads.shard IS 'Which shard, 0 to 63.';
COMMENT ON COLUMN heads.seq IS 'Seq of the last change; 0 before the first.';
COMMENT ON COLUMN heads.decided IS 'Seq up to which the decision has dealt with the log.';
COMMENT ON COLUMN heads.floor IS 'Seq up to which the log has been pruned.';
COMMENT ON COLUMN heads.at IS 'The shard''s clock when it was last written; it never goes back.';

INSERT INTO heads (shard) SELECT generate_series(0, 63)::smallint;

CREATE TABLE changes (
    shard smallint NOT NULL,
    seq bigint NOT NULL,
    tenant_id uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    actor text COLLATE "C",
    request_id text COLLATE "C",
    command_id uuid NOT NULL,
    object_id uuid NOT NULL,
    resource_id uuid,
    data json NOT NULL,
    CONSTRAINT changes_pkey PRIMARY KEY (shard, seq)
);
CREATE INDEX changes_of_tenant ON changes (shard, tenant_id, seq);
CREATE INDEX changes_of_object ON changes (shard, object_id, seq);
COMMENT ON TABLE changes IS 'The log: every fact of every shard, in commit order, without gaps.';
COMMENT ON COLUMN changes.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN changes.seq IS 'Position in the shard''s log, from 1.';
COMMENT ON COLUMN changes.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN changes.type IS 'What kind of fact: booking_created, …';
COMMENT ON COLUMN changes.at IS 'When it happened, on the shard''s clock.';
COMMENT ON COLUMN changes.actor IS 'The user who did it; null when the engine did.';
COMMENT ON COLUMN changes.request_id IS 'The request that it came from.';
COMMENT ON COLUMN changes.command_id IS 'Made before the first try: tells whether a COMMIT with a lost answer took place.';
COMMENT ON COLUMN changes.object_id IS 'The booking or resource that it is about.';
COMMENT ON COLUMN changes.resource_id IS 'The resource whose wanted or granted ranges it changes; null when it changes none.';
COMMENT ON COLUMN changes.data IS 'The whole object as it was right after.';

CREATE TABLE idempotency_keys (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    caller text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    first_seq bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (shard, tenant_id, caller, key),
    CONSTRAINT idempotency_keys_tenant_fkey FOREIGN KEY (shard, tenant_id) REFERENCES tenants (shard, id)
);
CREATE INDEX idempotency_keys_expired ON idempotency_keys (shard, expires_at);
COMMENT ON TABLE idempotency_keys IS 'Writes that succeeded under a key, stored with their effect, so that a retry gets the same answer.';
COMMENT ON COLUMN idempotency_keys.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN idempotency_keys.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN idempotency_keys.caller IS 'Who sent it.';
COMMENT ON COLUMN idempotency_keys.key IS 'The Idempotency-Key header.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'Hash of method, path and body: the same key with another request is an error.';
COMMENT ON COLUMN idempotency_keys.status IS 'The HTTP status that was answered.';
COMMENT ON COLUMN idempotency_keys.first_seq IS 'Seq of the first change of its effect; the answer is rebuilt from the log there.';
COMMENT ON COLUMN idempotency_keys.expires_at IS 'When it may be deleted, on the shard''s clock.';

-- The tenant of open mode, where callers name themselves. Its venue is made by `holdfast migrate`,
-- in the time zone that the settings name. Shard: crc32 of the id, modulo 64.
INSERT INTO tenants (id, shard, name) VALUES ('00000000-0000-0000-0000-000000000001', 3, 'default');
