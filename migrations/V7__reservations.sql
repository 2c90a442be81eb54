-- Units of events: held for a time, then confirmed. Nothing that was there before is touched.
--
-- As for bookings: a statement may be planned while the tables are empty, when of all indexes that can serve it the
-- youngest is taken. So each is partial by what only its own statements say, and a test looks at the plans.

CREATE TABLE events (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    venue_id uuid NOT NULL,
    title text NOT NULL,
    event_date date NOT NULL,
    starts_at timestamptz,
    ends_at timestamptz,
    status text COLLATE "C" NOT NULL,
    sale_opens_at timestamptz,
    sale_closes_at timestamptz,
    units_per_user integer,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (shard, tenant_id, id),
    CONSTRAINT events_venue_fkey FOREIGN KEY (shard, tenant_id, venue_id) REFERENCES venues (shard, tenant_id, id),
    CONSTRAINT events_status_known CHECK (status IN ('OPEN', 'CLOSED', 'CANCELLING', 'CANCELLED')),
    CONSTRAINT events_times_in_order CHECK (starts_at < ends_at),
    CONSTRAINT events_sale_in_order CHECK (sale_opens_at < sale_closes_at),
    CONSTRAINT events_units_per_user_positive CHECK (units_per_user > 0)
);
-- The list, by day. Partial by what is always true, and said by the list alone.
CREATE INDEX events_by_day ON events (tenant_id, event_date, id) WHERE created_at > '-infinity';
-- Those that are being called off, in steps.
CREATE INDEX events_cancelling ON events (shard, id) WHERE status = 'CANCELLING';
COMMENT ON TABLE events IS 'What people attend: a concert, a convention, or one time slot of a venue.';
COMMENT ON COLUMN events.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN events.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN events.id IS 'Which one.';
COMMENT ON COLUMN events.venue_id IS 'Where it is; never changes.';
COMMENT ON COLUMN events.title IS 'What people call it.';
COMMENT ON COLUMN events.event_date IS 'The day that it is on, as its venue counts it.';
COMMENT ON COLUMN events.starts_at IS 'When it begins.';
COMMENT ON COLUMN events.ends_at IS 'When it ends.';
COMMENT ON COLUMN events.status IS 'OPEN or CLOSED; CANCELLING while some still have units of it, then CANCELLED.';
COMMENT ON COLUMN events.sale_opens_at IS 'From when on units are to be had.';
COMMENT ON COLUMN events.sale_closes_at IS 'From when on they are no longer.';
COMMENT ON COLUMN events.units_per_user IS 'Most units that one user may have of it, held and confirmed.';
COMMENT ON COLUMN events.version IS 'Rises with each write of what people see of it and of its sections, from 1.';
COMMENT ON COLUMN events.created_at IS 'When it was made, on the shard''s clock.';
COMMENT ON COLUMN events.updated_at IS 'When it was last written, on the shard''s clock.';

-- The counters are written by every transaction that takes units or gives them back: pages half empty, so that such an
-- update stays on its page and touches no index.
CREATE TABLE sections (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    id uuid NOT NULL,
    position integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    capacity integer NOT NULL,
    held integer NOT NULL DEFAULT 0,
    confirmed integer NOT NULL DEFAULT 0,
    price_amount bigint,
    price_currency text COLLATE "C",
    layout_id uuid,
    layout text,
    CONSTRAINT sections_event_fkey FOREIGN KEY (shard, tenant_id, event_id) REFERENCES events (shard, tenant_id, id),
    CONSTRAINT sections_kind_known CHECK (
        (layout_id IS NULL) = (layout IS NULL)
        AND CASE kind WHEN 'COUNTED' THEN layout IS NULL WHEN 'SEATED' THEN layout IS NOT NULL ELSE false END),
    -- The net under the head: even a defect of ours can't store more than there is.
    CONSTRAINT sections_not_oversold CHECK (0 <= held AND 0 <= confirmed AND held + confirmed <= capacity),
    CONSTRAINT sections_price_whole CHECK ((price_amount IS NULL) = (price_currency IS NULL) AND price_amount >= 0)
) WITH (fillfactor = 50);
-- In this order: the youngest index that can serve a statement is the one that was made for it.
ALTER TABLE sections ADD CONSTRAINT sections_position_key UNIQUE (shard, event_id, position);
ALTER TABLE sections ADD CONSTRAINT sections_name_key UNIQUE (shard, event_id, name);
ALTER TABLE sections ADD CONSTRAINT sections_pkey PRIMARY KEY (shard, id);
COMMENT ON TABLE sections IS 'Parts of events that are sold as one, and what is taken of each.';
COMMENT ON COLUMN sections.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN sections.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN sections.event_id IS 'Of which event.';
COMMENT ON COLUMN sections.id IS 'Which one.';
COMMENT ON COLUMN sections.position IS 'Its place among those of the event, in the order in which they were added.';
COMMENT ON COLUMN sections.name IS 'What people call it: NFC, trimmed, exact within the event.';
COMMENT ON COLUMN sections.kind IS 'COUNTED: there are so many units. SEATED: each is a seat.';
COMMENT ON COLUMN sections.capacity IS 'How many units there are; of seats those that are for sale.';
COMMENT ON COLUMN sections.held IS 'How many of them are held, holds that are over and not settled yet among them.';
COMMENT ON COLUMN sections.confirmed IS 'How many of them are confirmed.';
COMMENT ON COLUMN sections.price_amount IS 'What a unit costs, in the currency''s smallest unit; carried, not charged.';
COMMENT ON COLUMN sections.price_currency IS 'Its code by ISO 4217.';
COMMENT ON COLUMN sections.layout_id IS 'Another one for each layout that it was given, so that one may be kept in memory.';
COMMENT ON COLUMN sections.layout IS 'The rows of seats as JSON; only ever added to, so that a seat keeps its number.';

CREATE TABLE seat_blocks (
    shard smallint NOT NULL,
    section_id uuid NOT NULL,
    block integer NOT NULL,
    states bytea NOT NULL,
    CONSTRAINT seat_blocks_pkey PRIMARY KEY (shard, section_id, block),
    CONSTRAINT seat_blocks_section_fkey FOREIGN KEY (shard, section_id) REFERENCES sections (shard, id),
    CONSTRAINT seat_blocks_whole CHECK (length(states) = 256)
) WITH (fillfactor = 50);
ALTER TABLE seat_blocks ALTER COLUMN states SET STORAGE PLAIN;
COMMENT ON TABLE seat_blocks IS 'The state of each seat of a section, 1,024 to a row: a hall is read at once, and written in part.';
COMMENT ON COLUMN seat_blocks.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN seat_blocks.section_id IS 'Of which section.';
COMMENT ON COLUMN seat_blocks.block IS 'Which run of 1,024 seats, from 0.';
COMMENT ON COLUMN seat_blocks.states IS 'Two bits a seat, the lowest first: free, held, confirmed, not for sale.';

CREATE TABLE reservations (
    shard smallint NOT NULL,
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    expires_at timestamptz,
    confirmation_code text COLLATE "C",
    choice smallint,
    quantity integer NOT NULL,
    section_ids uuid[] NOT NULL,
    units text NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT reservations_status_agrees CHECK (
        CASE status
            WHEN 'HOLD' THEN expires_at IS NOT NULL AND confirmation_code IS NULL
            WHEN 'CONFIRMED' THEN expires_at IS NULL AND confirmation_code IS NOT NULL
            WHEN 'EXPIRED' THEN expires_at IS NOT NULL AND confirmation_code IS NULL
            WHEN 'CANCELLED' THEN expires_at IS NULL AND confirmation_code IS NULL
            ELSE false
        END
    ),
    CONSTRAINT reservations_quantity_agrees CHECK (0 <= quantity AND (quantity > 0 OR status = 'CANCELLED'))
);
-- One's own, newest first. Partial by what is always true, and said by the lists alone.
CREATE INDEX reservations_of_user ON reservations (tenant_id, user_id, id) WHERE created_at > '-infinity';
-- Who has units of an event: how many one has of it, and whom it takes leave of when it is called off.
CREATE INDEX reservations_live ON reservations (shard, event_id, user_id) WHERE status IN ('HOLD', 'CONFIRMED');
-- The holds of an event by their end, for whoever wants what they hold; and those of the shard, for the validator, which
-- says besides what is always true.
CREATE INDEX reservations_lapsing ON reservations (shard, event_id, expires_at) WHERE status = 'HOLD';
CREATE INDEX reservations_ending ON reservations (shard, expires_at)
    WHERE status = 'HOLD' AND expires_at > '-infinity';
ALTER TABLE reservations ADD CONSTRAINT reservations_pkey PRIMARY KEY (shard, tenant_id, id);
COMMENT ON TABLE reservations IS 'Units of events that users hold, or have confirmed.';
COMMENT ON COLUMN reservations.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN reservations.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN reservations.id IS 'Which one.';
COMMENT ON COLUMN reservations.event_id IS 'Of which event; never changes.';
COMMENT ON COLUMN reservations.user_id IS 'Whose units they are.';
COMMENT ON COLUMN reservations.status IS 'HOLD, then CONFIRMED or EXPIRED; CANCELLED from HOLD or CONFIRMED.';
COMMENT ON COLUMN reservations.expires_at IS 'When the hold ends, on the shard''s clock; of one that is EXPIRED, when it ended.';
COMMENT ON COLUMN reservations.confirmation_code IS 'What its owner shows for confirmed units.';
COMMENT ON COLUMN reservations.choice IS 'Which of the ranked choices was got, from 0.';
COMMENT ON COLUMN reservations.quantity IS 'How many units it has in all, or had when it ended.';
COMMENT ON COLUMN reservations.section_ids IS 'Of which sections they are.';
COMMENT ON COLUMN reservations.units IS 'The units as JSON, by section, with their seats.';
COMMENT ON COLUMN reservations.version IS 'Rises with each write, from 1.';
COMMENT ON COLUMN reservations.created_at IS 'When its units were first held, on the shard''s clock.';
COMMENT ON COLUMN reservations.updated_at IS 'When it was last written, on the shard''s clock.';

CREATE TABLE taken_seats (
    shard smallint NOT NULL,
    event_id uuid NOT NULL,
    seat text COLLATE "C" NOT NULL,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    -- The net under the head: no seat of an event has two holders.
    CONSTRAINT taken_seats_pkey PRIMARY KEY (shard, event_id, seat)
);
COMMENT ON TABLE taken_seats IS 'Who has each seat that is held or confirmed.';
COMMENT ON COLUMN taken_seats.shard IS 'The tenant''s shard.';
COMMENT ON COLUMN taken_seats.event_id IS 'Of which event.';
COMMENT ON COLUMN taken_seats.seat IS 'Which seat: its label, one of a kind in the event.';
COMMENT ON COLUMN taken_seats.tenant_id IS 'Whose event it is.';
COMMENT ON COLUMN taken_seats.reservation_id IS 'Which reservation has it.';
