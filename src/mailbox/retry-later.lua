#!lua flags=allow-oom
--[[
  Gives a leased lane up with its head item still in place, to be tried again after a pause.

  KEYS[1] lease   the lane's lease (hash: a attempts, x those of them that failed)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3] lane
  ARGV[4] fence
  ARGV[5] session
  ARGV[6] pause, in ms
  ARGV[7] 'counts' if this attempt counts, 'free' if it was nobody's fault (a rate limit, a service away)
  ARGV[8…] effects, see effects.lua

  Returns 1, or -1 if the lease was lost (then nothing was written).
]]
--@use lanes
--@use effects
local leaseKey = KEYS[1]
local T, queue, lane, fence, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local pauseMs, counting = tonumber(ARGV[6]), ARGV[7]

local held = redis.call('HMGET', leaseKey, 'f', 'w')
if held[1] ~= fence or held[2] ~= session then return -1 end
local bad = checkEffects(8)
if bad then return bad end

local now = serverNow()
applyEffects(T, now, 8)
redis.call('HDEL', leaseKey, 'f', 'n', 'w')
if counting == 'free' then redis.call('HINCRBY', leaseKey, 'a', -1) else redis.call('HINCRBY', leaseKey, 'x', 1) end
redis.call('SREM', T .. 'own:' .. session, queue .. '|' .. lane)
if pauseMs <= 0 then
  schedule(T .. queue .. ':', lane)
else
  redis.call('ZADD', T .. 'park', now + pauseMs, queue .. '|' .. lane)
end
return 1
