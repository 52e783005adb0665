#!lua
--[[
  Applies effects that belong to no change of a lane or an approval.

  KEYS[1] head    number and hash of the newest audit entry; names the slot

  ARGV[1] partition prefix
  ARGV[2] once key, or '': if it is taken, nothing is written
  ARGV[3] for how long the once key is taken, in ms
  ARGV[4…] effects, see effects.lua

  Returns 1 written, 0 the once key was taken.
]]
--@use lanes
--@use effects
local T = ARGV[1]

local bad = checkEffects(4)
if bad then return bad end
if not isFirst(T, ARGV[2], ARGV[3]) then return 0 end
applyEffects(T, serverNow(), 4)
return 1
