#!lua flags=allow-oom
--[[
  Removes a dead letter for good.

  KEYS[1] dead letters (stream)

  ARGV[1] partition prefix
  ARGV[2] id of the dead letter
  ARGV[3] audit entry, as JSON

  Returns 1, or 0 if there is no such dead letter (any more).
]]
--@use lanes
local deadLetters = KEYS[1]
local T, id, audit = ARGV[1], ARGV[2], ARGV[3]

if redis.call('XDEL', deadLetters, id) == 0 then return 0 end
appendAudit(T, serverNow(), {audit})
return 1
