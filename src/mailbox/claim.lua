#!lua flags=allow-oom
--[[
  Leases up to `count` lanes that have work and no owner, each with its oldest item.

  KEYS[1] ready   lanes with work and no owner (list)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3] session
  ARGV[4] count
  ARGV[5] how many transcript entries to return with each lane (0 for none)

  Returns -1 if the session is not alive, else a flat list: lane, fence, attempt, failures, item, entries, …
  A reply that is lost leaves the lanes with the session; `reconcile` gives them back.
]]
--@use lanes
local ready = KEYS[1]
local T, queue, session, count, historyEntries = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if not redis.call('ZSCORE', T .. 'ws', session) then return -1 end
local lanes = redis.call('LPOP', ready, count)
if not lanes then return {} end

local claims = {}
for _, lane in ipairs(lanes) do
  local item = redis.call('LINDEX', T .. queue .. ':q:' .. lane, 0)
  if item then
    local fence, attempt = lease(T, queue, lane, session)
    claims[#claims + 1] = lane
    claims[#claims + 1] = fence
    claims[#claims + 1] = attempt
    claims[#claims + 1] = redis.call('HGET', T .. queue .. ':l:' .. lane, 'x') or 0
    claims[#claims + 1] = item
    claims[#claims + 1] = newestEntries(T, lane, historyEntries)
  else
    redis.call('DEL', T .. queue .. ':l:' .. lane)
  end
end
if redis.call('LLEN', ready) > 0 and redis.call('LLEN', T .. queue .. ':bell') == 0 then
  redis.call('RPUSH', T .. queue .. ':bell', '1')
end
return claims
