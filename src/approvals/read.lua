#!lua
--[[
  Reads an approval, the time by which it is judged, and when nobody of ours was there.

  KEYS[1] approval   "<revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {document with revision, or false, now in ms, {'<from>-<until>' in ms, …}}
]]
--@use lanes
local approval, T = KEYS[1], ARGV[1]

local now = steadyTime(T)
return {redis.call('GET', approval), string.format('%d', now), outagesBy(T, now)}
