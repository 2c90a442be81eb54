-- Appends a run of the log, each change the one after the last, to a shard's stream if it joins on to what is there; or,
-- when a last id is named that was judged to lead nowhere, puts the run in the stream's place.
--
-- KEYS: the stream. ARGV: the bell's channel, the shard's number, how many entries to keep, the judged id or nothing, the
-- first seq of the run, then tenant, change and fingerprint of each entry. Answers {1, last} when the stream has all of the run;
-- {0, last} when it does not join, or can't be compared, or the judged id is no more the last; {-1, last} when the log has
-- something else where the stream ends. Positions are exact below 2^53.

local function id_of(seq)
  return string.format('%.0f-0', seq)
end

-- The last id that was ever given: the last entry may have been trimmed away.
local last = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      -- Further than any log comes is a stranger's, and all the same.
      last = math.min(tonumber(string.match(info[i + 1], '^%d+')), 4503599627370496)
    end
  end
end

local judged = tonumber(ARGV[4])
local first = tonumber(ARGV[5])
local count = (#ARGV - 5) / 3
local skipped = 0

if judged then
  if judged ~= last then
    return { 0, last }
  end
  redis.call('UNLINK', KEYS[1])
else
  if last < first then
    return { 0, last }
  end
  if last >= first + count then
    return { 1, last }
  end
  skipped = last - first + 1
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local fingerprint
  if newest and newest[1] == id_of(last) then
    for i = 1, #newest[2], 2 do
      if newest[2][i] == 'f' then
        fingerprint = newest[2][i + 1]
      end
    end
  end
  if not fingerprint then
    return { 0, last }
  end
  if fingerprint ~= ARGV[5 + 3 * skipped] then
    return { -1, last }
  end
  if skipped == count then
    return { 1, last }
  end
end

for i = skipped, count - 1 do
  local at = 6 + 3 * i
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], id_of(first + i),
    't', ARGV[at], 'c', ARGV[at + 1], 'f', ARGV[at + 2])
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return { 1, first + count - 1 }
