#!lua flags=allow-oom
--[[
  Puts parked lanes whose pause is over back in line, and names the approvals whose time has come. The approvals
  stay in the timers: each leaves, or moves on, only in the transition that applies what its time brings about.

  A look also notes that somebody is there. A long time without any is an outage of ours, in which nobody could
  answer; the last of them are kept, for deadlines to be judged by.

  KEYS[1] parked   queue|lane -> when, in ms (sorted set)
  KEYS[2] timers   approval id -> when, in ms (sorted set)

  ARGV[1] partition prefix
  ARGV[2] how many of each at most; 0 is no look, but a question for the time

  Returns {lanes unparked, {approval id, its document or false, …}, next due in ms or -1, now in ms,
           {'<from>-<until>' of an outage in ms, …}}
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

local steady = steadyTime(T)

-- Noted every ten seconds at most: it is a write, and a minute is what an outage takes.
local NOTE_EVERY, KEPT = 10000, 20
if tonumber(limit) > 0 then
  local watched = tonumber(redis.call('GET', T .. 'watched') or steady)
  if steady - watched >= OUTAGE then
    redis.call('RPUSH', T .. 'outages', string.format('%d-%d', watched, steady))
    redis.call('LTRIM', T .. 'outages', -KEPT, -1)
  end
  if steady - watched >= NOTE_EVERY or watched == steady then
    redis.call('SET', T .. 'watched', string.format('%d', steady))
  end
end

local due = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', timers, '-inf', steady, 'LIMIT', 0, limit)) do
  due[#due + 1] = id
  due[#due + 1] = redis.call('GET', T .. 'apr:' .. id)
end

-- What is due now is being handled; next is what comes after it.
local nextDue = -1
for key, now in pairs({[parked] = now, [timers] = steady}) do
  local first = redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%d', now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if first and (nextDue == -1 or tonumber(first) < nextDue) then nextDue = tonumber(first) end
end
return {
  #lanes, due, string.format('%d', nextDue), string.format('%d', steady),
  redis.call('LRANGE', T .. 'outages', 0, -1),
}
