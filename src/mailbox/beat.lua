#!lua flags=allow-oom
--[[
  Opens or renews a worker session in one partition.

  KEYS[1] sessions   session -> deadline in server ms (sorted set)

  ARGV[1] session
  ARGV[2] lease, in ms
  ARGV[3] 'open' or 'renew'

  Returns 1 alive, 0 the session had been reaped.
]]
--@use lanes
local sessions, session, leaseMs, mode = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]

if mode == 'renew' and not redis.call('ZSCORE', sessions, session) then return 0 end
redis.call('ZADD', sessions, serverNow() + leaseMs, session)
return 1
