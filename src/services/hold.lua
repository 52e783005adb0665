#!lua
--[[
  Takes a post that one process holds at a time, or keeps it.

  KEYS[1] post   who holds it (string)

  ARGV[1] who asks
  ARGV[2] for how long, in ms; 0 to leave it

  Returns 1 if it is theirs now, 0 if not.
]]
local post, who, forMs = KEYS[1], ARGV[1], tonumber(ARGV[2])

local holder = redis.call('GET', post)
if holder and holder ~= who then return 0 end
if forMs > 0 then
  redis.call('SET', post, who, 'PX', forMs)
  return 1
end
redis.call('DEL', post)
return 0
