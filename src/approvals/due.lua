#!lua flags=allow-oom
--[[
  Puts parked lanes whose pause is over back in line, and names the approvals whose time has come. The approvals
  stay in the timers: each leaves, or moves on, only in the transition that applies what its time brings about.

  KEYS[1] parked   queue|lane -> when, in ms (sorted set)
  KEYS[2] timers   approval id -> when, in ms (sorted set)

  ARGV[1] partition prefix
  ARGV[2] how many of each at most

  Returns {lanes unparked, approval ids, next due in ms or -1, now in ms}
]]
--@use lanes
local parked, timers, T, limit = KEYS[1], KEYS[2], ARGV[1], ARGV[2]

local now = serverNow()
local lanes = redis.call('ZRANGEBYSCORE', parked, '-inf', now, 'LIMIT', 0, limit)
for _, member in ipairs(lanes) do
  local queue, lane = string.match(member, '^([^|]+)|(.*)$')
  redis.call('ZREM', parked, member)
  schedule(T .. queue .. ':', lane)
end

local steady = steadyNow(T)
local ids = redis.call('ZRANGEBYSCORE', timers, '-inf', steady, 'LIMIT', 0, limit)

local nextDue = -1
for _, key in ipairs({parked, timers}) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if first and (nextDue == -1 or tonumber(first) < nextDue) then nextDue = tonumber(first) end
end
return {#lanes, ids, string.format('%d', nextDue), string.format('%d', steady)}
