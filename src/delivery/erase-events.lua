#!lua
--[[
  Forgets every event of a client's log. Its positions go on from where they were, so that whoever reads on finds what
  comes after, and is told that something is gone. Run twice, it forgets nothing more.

  KEYS[1] events     the client's events (stream)
  KEYS[2] counters   last: position of the newest event, bytes: of all that are kept (hash)

  Returns how many there were.
]]
local events, counters = KEYS[1], KEYS[2]

local kept = redis.call('XLEN', events)
if kept == 0 then return 0 end

redis.call('DEL', events)
redis.call('HSET', counters, 'bytes', 0)
return kept
