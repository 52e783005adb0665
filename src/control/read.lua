#!lua
--[[
  Reads who speaks for a conversation, and the time by which that is judged.

  KEYS[1] control   "<epoch> <revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {document with epoch and revision, or false, now in ms}
]]
--@use lanes
return {redis.call('GET', KEYS[1]), string.format('%d', steadyTime(ARGV[1]))}
