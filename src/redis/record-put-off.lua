#!lua flags=allow-oom
--[[
  Puts off a look at something whose time has come. What has moved on meanwhile, or left the list, stays where it is.

  KEYS[1] list     member -> when, in ms, or +inf (sorted set)

  ARGV[1] partition prefix
  ARGV[2] member
  ARGV[3] until when, in ms

  Returns 1 done, 0 it is not due.
]]
--@use lanes
local list, T, member, untilMs = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

local at = redis.call('ZSCORE', list, member)
if not at or tonumber(at) > steadyTime(T) then return 0 end
redis.call('ZADD', list, untilMs, member)
return 1
