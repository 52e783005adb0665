#!lua
--[[
  Reads a record, and the time by which it is judged.

  KEYS[1] record   "<revision> <document>" (string)

  ARGV[1] partition prefix

  Returns {record with its revision, or false, now in ms}
]]
--@use lanes
return {redis.call('GET', KEYS[1]), string.format('%d', steadyTime(ARGV[1]))}
