-- What the writes of the API leave behind besides their effect: the trace that they came from, and their keys.

ALTER TABLE changes ADD COLUMN traceparent text COLLATE "C";
COMMENT ON COLUMN changes.traceparent IS 'The W3C trace that the request was part of, if it was sent.';

-- No release has written any key yet. The status is the route's, which the fingerprint has.
ALTER TABLE idempotency_keys RENAME COLUMN first_seq TO effect_seq;
ALTER TABLE idempotency_keys DROP COLUMN status;
COMMENT ON COLUMN idempotency_keys.effect_seq IS
    'Where the log stood right after it: the last change of its object up to there is its effect.';

-- Partial by what is true of every row, so that only a statement that asks by the time can use it: on a small table the
-- youngest of the indexes that can serve a statement is taken, and a key is looked up by the primary one.
DROP INDEX idempotency_keys_expired;
CREATE INDEX idempotency_keys_expired ON idempotency_keys (shard, expires_at) WHERE expires_at IS NOT NULL;
