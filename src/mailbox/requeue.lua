#!lua
--[[
  Puts a dead letter back at the end of its lane.

  KEYS[1] dead letters (stream)

  ARGV[1] partition prefix
  ARGV[2] id of the dead letter
  ARGV[3] audit entry, as JSON

  Returns 1, or 0 if there is no such dead letter (any more).
]]
--@use lanes
local deadLetters = KEYS[1]
local T, id, audit = ARGV[1], ARGV[2], ARGV[3]

local found = redis.call('XRANGE', deadLetters, id, id)[1]
if not found then return 0 end
local letter = {}
for i = 1, #found[2], 2 do letter[found[2][i]] = found[2][i + 1] end
redis.call('XDEL', deadLetters, id)
enqueue(T .. letter.queue .. ':', letter.lane, letter.item)
appendAudit(T, serverNow(), {audit})
return 1
