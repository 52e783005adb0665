#!lua
--[[
  Puts a record back in its place in the list of what is due, if it is still what was looked at.

  KEYS[1] record   (string)
  KEYS[2] list     record -> when, in ms, or +inf (sorted set)

  ARGV[1] record's id
  ARGV[2] SHA-1 of what was looked at; '' when there was no record
  ARGV[3] due ms or +inf; '' when it is not to be in the list

  Returns 1 done, 0 it has changed meanwhile.
]]
local current = redis.call('GET', KEYS[1])
if (current and redis.sha1hex(current) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
end
return 1
