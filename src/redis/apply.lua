#!lua
--[[
  Applies effects that belong to no change of a lane or an approval.

  KEYS[1] head    number and hash of the newest audit entry; names the slot

  ARGV[1] partition prefix
  ARGV[2…] effects, see effects.lua

  Returns 1.
]]
--@use lanes
--@use effects
local T = ARGV[1]

local bad = checkEffects(2)
if bad then return bad end
applyEffects(T, serverNow(), 2)
return 1
