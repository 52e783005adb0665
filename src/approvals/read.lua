#!lua
--[[
  Reads an approval, the time by which it is judged, and when nobody of ours was there.

  KEYS[1] approval   "<revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {document with revision, or false, now in ms, {'<from>-<until>' in ms, …}}
]]
--@use lanes
return {redis.call('GET', KEYS[1]), string.format('%d', steadyTime(ARGV[1])), redis.call('LRANGE', ARGV[1] .. 'outages', 0, -1)}
