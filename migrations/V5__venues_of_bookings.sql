-- Bookings in the log say where they are. Those that were logged before get the venue of their resource, which no resource
-- ever leaves: a change that lacks it can't be read. Streams in Redis have no fingerprints from before V4, so relays fill them anew.
--
-- Writes every change of a booking once; on a long log it takes its time, and services wait for it.
UPDATE changes
SET data = jsonb_set(changes.data::jsonb, '{booking,venue_id}', to_jsonb(r.venue_id))::json
FROM resources r
WHERE r.shard = changes.shard AND r.tenant_id = changes.tenant_id
    AND r.id = (changes.data->'booking'->>'resource_id')::uuid
    AND changes.data->'booking' IS NOT NULL
    AND changes.data->'booking'->'venue_id' IS NULL;
