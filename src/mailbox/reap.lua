#!lua flags=allow-oom
--[[
  Gives the lanes of dead sessions back, at the head of their ready lists, so that recovered work runs first.

  KEYS[1] sessions   session -> deadline in server ms (sorted set)

  ARGV[1] partition prefix
  ARGV[2] how many lanes at most
  ARGV[3] latest deadline looked at, in server ms: a look that was held up on its way finds everybody late, and takes
          nobody for dead

  Returns how many lanes were given back.
]]
--@use lanes
local sessions = KEYS[1]
local T, limit, latest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local released = 0
for _, session in ipairs(redis.call('ZRANGEBYSCORE', sessions, '-inf', math.min(serverNow(), latest), 'LIMIT', 0, 8)) do
  local owned = T .. 'own:' .. session
  for _, member in ipairs(redis.call('SPOP', owned, limit)) do
    local queue, lane = string.match(member, '^([^|]+)|(.*)$')
    -- The old holder is fenced out before the lane can be claimed again.
    redis.call('HDEL', T .. queue .. ':l:' .. lane, 'f', 'n', 'w')
    redis.call('LPUSH', T .. queue .. ':ready', lane)
    if redis.call('LLEN', T .. queue .. ':bell') == 0 then redis.call('RPUSH', T .. queue .. ':bell', '1') end
    released = released + 1
  end
  if redis.call('EXISTS', owned) == 0 then redis.call('ZREM', sessions, session) end
end
return released
