#!lua
--[[
  Reads the store's own clock, and what is taken off it at the moment.

  KEYS[1] hold   "<ms> <n>" (string)

  Returns {now in ms, ms taken off, how often that was changed}
]]
--@use lanes
local ms, n = string.match(redis.call('GET', KEYS[1]) or '0 0', '^(%d+) (%d+)$')
return {string.format('%d', serverNow()), ms, n}
