#!lua flags=allow-oom
--[[
  Lists what a session has leased of one queue.

  KEYS[1] owned   what the session leased (set of queue|lane)

  ARGV[1] partition prefix
  ARGV[2] queue

  Returns a flat list: lane, fence, …
]]
local owned = KEYS[1]
local T, queue = ARGV[1], ARGV[2]

local leases = {}
for _, member in ipairs(redis.call('SMEMBERS', owned)) do
  local ofQueue, lane = string.match(member, '^([^|]+)|(.*)$')
  local fence = ofQueue == queue and redis.call('HGET', T .. queue .. ':l:' .. lane, 'f')
  if fence then
    leases[#leases + 1] = lane
    leases[#leases + 1] = fence
  end
end
return leases
