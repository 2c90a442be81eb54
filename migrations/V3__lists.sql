-- The lists of bookings: by resource and by user, each in the order of the list, so that a page is one run of an index.
--
-- Partial by what is true of every row and never changes, and said by the lists alone: on a small table the youngest of
-- the indexes that can serve a statement is taken, and these are younger than those of the hot ones. (By a column that
-- changes, every update would have to touch them.) Without the shard, which the tenant implies.
--
-- Bookings are not written while they are built; where that is too long, make them beforehand (see README.md).
CREATE INDEX IF NOT EXISTS bookings_of_resource ON bookings (tenant_id, resource_id, wanted_start_at, id)
    WHERE created_at > '-infinity';
CREATE INDEX IF NOT EXISTS bookings_of_user ON bookings (tenant_id, user_id, wanted_start_at, id)
    WHERE created_at > '-infinity';
