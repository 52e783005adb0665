#!lua flags=allow-oom
--[[
  Gives back lanes that a live session owns but does not know of, because the reply that named them was lost.

  KEYS[1] owned   what the session leased (set of queue|lane)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3…] lanes of this queue the session does work on

  Returns how many lanes were given back.
]]
--@use lanes
local owned = KEYS[1]
local T, queue = ARGV[1], ARGV[2]

local worked = {}
for i = 3, #ARGV do worked[ARGV[i]] = true end

local released = 0
for _, member in ipairs(redis.call('SMEMBERS', owned)) do
  local ofQueue, lane = string.match(member, '^([^|]+)|(.*)$')
  if ofQueue == queue and not worked[lane] then
    redis.call('SREM', owned, member)
    redis.call('HDEL', T .. queue .. ':l:' .. lane, 'f', 'n', 'w')
    schedule(T .. queue .. ':', lane)
    released = released + 1
  end
end
return released
