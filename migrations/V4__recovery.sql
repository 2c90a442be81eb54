-- What a relay has to know to tell its own streams from another's, and a log that goes on from one that was restored from
-- the past.
CREATE TABLE installation (
    is_only boolean NOT NULL DEFAULT true,
    id uuid NOT NULL,
    system_identifier bigint,
    timeline bigint,
    CONSTRAINT installation_pkey PRIMARY KEY (is_only),
    CONSTRAINT installation_is_only CHECK (is_only),
    CONSTRAINT installation_origin_whole CHECK ((system_identifier IS NULL) = (timeline IS NULL))
);
COMMENT ON TABLE installation IS 'This installation, in one row; it goes with the data into every copy of them.';
COMMENT ON COLUMN installation.is_only IS 'There is one row.';
COMMENT ON COLUMN installation.id IS 'Which installation: the owner of its prefix in Redis.';
COMMENT ON COLUMN installation.system_identifier IS
    'Of the server whose log the streams were last seen to go on from; null before a relay has run.';
COMMENT ON COLUMN installation.timeline IS 'That server''s timeline then: another one after a restore or a failover.';

INSERT INTO installation (id) VALUES (gen_random_uuid());
