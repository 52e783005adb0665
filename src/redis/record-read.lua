#!lua
--[[
  Reads a record, the time by which it is judged, and when nobody of ours was there.

  KEYS[1] record   "<revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {record with its revision, or false, now in ms, outages as '<from>-<until>' in ms}
]]
--@use lanes
local now = steadyTime(ARGV[1])
return {redis.call('GET', KEYS[1]), string.format('%d', now), outagesBy(ARGV[1], now)}
