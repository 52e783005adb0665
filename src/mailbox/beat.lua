#!lua flags=allow-oom
--[[
  Opens or renews a worker session in one partition.

  KEYS[1] sessions   session -> deadline in server ms (sorted set)

  ARGV[1] session
  ARGV[2] lease, in ms
  ARGV[3] 'open' or 'renew'

  Returns the server's time in ms, or 0 if the session had been reaped.
]]
--@use lanes
local sessions, session, leaseMs, mode = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]

if mode == 'renew' and not redis.call('ZSCORE', sessions, session) then return 0 end
local now = serverNow()
redis.call('ZADD', sessions, now + leaseMs, session)
return now
