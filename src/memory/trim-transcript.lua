#!lua
--[[
  Takes entries off the beginning of a transcript, and records that.

  KEYS[1] transcript   entries as JSON, oldest first (list)

  ARGV[1] partition prefix
  ARGV[2] how many
  ARGV[3] the last of them, as it was seen
  ARGV[4] audit entry, as JSON

  Returns 1 taken · 0 that entry does not stand there any more; nothing was written
]]
--@use lanes
local transcript = KEYS[1]
local T, count, seen, audit = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

if redis.call('LINDEX', transcript, count - 1) ~= seen then return 0 end
redis.call('LTRIM', transcript, count, -1)
appendAudit(T, serverNow(), {audit})
return 1
