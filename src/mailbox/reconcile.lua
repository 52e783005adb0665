#!lua flags=allow-oom
--[[
  Gives back lanes that a live session owns but does not know of, because the reply that named them was lost.

  KEYS[1] owned   what the session leased (set of queue|lane)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3…] lane, fence, …: the leases to give back; one that has another fence by now is left alone

  Returns how many lanes were given back.
]]
--@use lanes
local owned = KEYS[1]
local T, queue = ARGV[1], ARGV[2]

local released = 0
for i = 3, #ARGV, 2 do
  local lane, fence = ARGV[i], ARGV[i + 1]
  local key = T .. queue .. ':l:' .. lane
  if redis.call('HGET', key, 'f') == fence and redis.call('SREM', owned, queue .. '|' .. lane) == 1 then
    redis.call('HDEL', key, 'f', 'n', 'w')
    schedule(T .. queue .. ':', lane)
    released = released + 1
  end
end
return released
