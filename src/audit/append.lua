#!lua
--[[
  Appends audit entries for something that changes nothing else.

  KEYS[1] head    number and hash of the newest entry (hash)

  ARGV[1] partition prefix
  ARGV[2…] entries, as JSON

  Returns the number of the newest entry.
]]
--@use lanes
local head, T = KEYS[1], ARGV[1]

appendAudit(T, serverNow(), {unpack(ARGV, 2)})
return redis.call('HGET', head, 'n')
