#!lua
-- Moves reading positions forward, and keeps the places furthest on.
--
-- KEYS[1]  hash: place -> position, a whole decimal number of any length
-- ARGV[1]  places kept at most
-- ARGV[2]  JSON: { forgotten: [place], begun: [[place, position]], read: [[place, position]] }
--
-- `begun` counts only where nothing is known; `read` only where it is further on.
local kept = KEYS[1]
local most = tonumber(ARGV[1])
local marks = cjson.decode(ARGV[2])

local function is_before(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

for _, place in ipairs(marks.forgotten) do redis.call('HDEL', kept, place) end
for _, mark in ipairs(marks.begun) do redis.call('HSETNX', kept, mark[1], mark[2]) end
for _, mark in ipairs(marks.read) do
  local known = redis.call('HGET', kept, mark[1])
  if not known or is_before(known, mark[2]) then redis.call('HSET', kept, mark[1], mark[2]) end
end

local excess = redis.call('HLEN', kept) - most
if excess > 0 then
  local flat = redis.call('HGETALL', kept)
  local places = {}
  for i = 1, #flat, 2 do places[#places + 1] = { flat[i], flat[i + 1] } end
  table.sort(places, function(a, b) return is_before(a[2], b[2]) end)
  for i = 1, excess do redis.call('HDEL', kept, places[i][1]) end
end
return redis.status_reply('OK')
