#!lua
--[[
  Reads an approval and the time by which it is judged.

  KEYS[1] approval   "<revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {document with revision, or false, now in ms}
]]
--@use lanes
return {redis.call('GET', KEYS[1]), string.format('%d', steadyTime(ARGV[1]))}
