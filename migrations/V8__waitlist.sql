-- The waiting list: who stands in line for units of an event. Nothing that was there before is changed.
--
-- The rows of an event say how many wait and when its line has to be looked at, so that a command that takes units knows with
-- the event whether anybody comes before it.

ALTER TABLE events ADD COLUMN waiting integer NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN line_due_at timestamptz;
ALTER TABLE events ADD CONSTRAINT events_waiting_counted CHECK (0 <= waiting AND (waiting > 0 OR line_due_at IS NULL));
-- What a line needs is written as often as the counters of sections: room on the page for the next version.
ALTER TABLE events SET (fillfactor = 50);
-- Lines that have to be looked at, for the validator.
CREATE INDEX events_line_due ON events (shard, line_due_at) WHERE line_due_at IS NOT NULL;
COMMENT ON COLUMN events.waiting IS 'How many stand in line for units of it.';
COMMENT ON COLUMN events.line_due_at IS
    'From when on somebody in line may have to be served, or taken leave of; none when nobody is before something changes.';

CREATE TABLE waitlist (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    request_id uuid NOT NULL,
    request text NOT NULL,
    offer_seconds integer NOT NULL,
    rank bigint NOT NULL,
    reservation_id uuid,
    expires_at timestamptz,
    reason text COLLATE "C",
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT waitlist_status_agrees CHECK (
        (reservation_id IS NULL) = (expires_at IS NULL)
        AND CASE status
            WHEN 'WAITING' THEN reservation_id IS NULL AND reason IS NULL
            WHEN 'OFFERED' THEN reservation_id IS NOT NULL AND reason IS NULL
            WHEN 'LEFT' THEN reservation_id IS NULL AND reason IS NULL
            WHEN 'ENDED' THEN reservation_id IS NULL AND reason IS NOT NULL
            ELSE false
        END
    )
);
-- A user's entries for an event, the latest last. Partial by what is always true, and said by its own statement alone.
CREATE INDEX waitlist_of_user ON waitlist (shard, event_id, user_id, rank) WHERE created_at > '-infinity';
-- The last offers of an event, for a guess at the wait.
CREATE INDEX waitlist_offers ON waitlist (shard, event_id, updated_at) WHERE status = 'OFFERED';
-- The line in its order; what is said besides is always true.
CREATE INDEX waitlist_ranks ON waitlist (shard, event_id, rank) WHERE status = 'WAITING' AND rank > 0;
-- The line by what is asked for: who asks for the same is served by rank, so the first of each is all that has to be looked at.
CREATE INDEX waitlist_line ON waitlist (shard, event_id, request_id, rank) WHERE status = 'WAITING';
-- The net under the head: nobody stands in a line twice.
CREATE UNIQUE INDEX waitlist_place ON waitlist (shard, event_id, user_id) WHERE status = 'WAITING' AND version > 0;
ALTER TABLE waitlist ADD CONSTRAINT waitlist_pkey PRIMARY KEY (shard, tenant_id, id);
COMMENT ON TABLE waitlist IS 'Who stands in line for units of an event, and who did.';
COMMENT ON COLUMN waitlist.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN waitlist.tenant_id IS 'Whose the event is.';
COMMENT ON COLUMN waitlist.id IS 'Which one.';
COMMENT ON COLUMN waitlist.event_id IS 'For units of which event; never changes.';
COMMENT ON COLUMN waitlist.user_id IS 'Who waits; never changes.';
COMMENT ON COLUMN waitlist.status IS 'WAITING, then OFFERED, LEFT or ENDED.';
COMMENT ON COLUMN waitlist.request_id IS 'A digest of the request: the same for all who ask for the same.';
COMMENT ON COLUMN waitlist.request IS 'What is asked for as JSON: how many, whether neighbours, and of which sections.';
COMMENT ON COLUMN waitlist.offer_seconds IS 'How long the hold lasts that is made for it.';
COMMENT ON COLUMN waitlist.rank IS 'The seq of the change that told of it: its place in line.';
COMMENT ON COLUMN waitlist.reservation_id IS 'The hold that was made for it.';
COMMENT ON COLUMN waitlist.expires_at IS 'When that hold ends, as it was made.';
COMMENT ON COLUMN waitlist.reason IS 'Why it was taken out of line: sale_over or limit_reached.';
COMMENT ON COLUMN waitlist.version IS 'Rises with each write, from 1.';
COMMENT ON COLUMN waitlist.created_at IS 'When it came into line, on the shard''s clock.';
COMMENT ON COLUMN waitlist.updated_at IS 'When it was last written, on the shard''s clock.';
