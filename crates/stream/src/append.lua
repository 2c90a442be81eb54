-- Appends a run of entries, each the one after the last, to a shard's stream, if it joins on to what is there.
--
-- KEYS: the stream. ARGV: the bell's channel, the shard's number, how many entries to keep, the first entry's seq, then
-- tenant and change of each entry. Answers {1, last} when the stream has all of the run, {0, last} when it does not join.
-- Positions are exact below 2^53.

-- The last id that was ever given: the last entry may have been trimmed away.
local last = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      last = tonumber(string.match(info[i + 1], '^%d+'))
    end
  end
end

local first = tonumber(ARGV[4])
local count = (#ARGV - 4) / 2
if first > last + 1 then
  return { 0, last }
end
local skipped = last + 1 - first
if skipped >= count then
  return { 1, last }
end

for i = skipped, count - 1 do
  local id = string.format('%.0f-0', first + i)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], id, 't', ARGV[5 + 2 * i], 'c', ARGV[6 + 2 * i])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return { 1, first + count - 1 }
