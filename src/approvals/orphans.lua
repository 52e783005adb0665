#!lua flags=allow-oom
--[[
  Removes the timers of approvals that are not there, among a part of all timers.

  KEYS[1] timers   approval id -> when, in ms (sorted set)

  ARGV[1] partition prefix
  ARGV[2] cursor, '0' to begin
  ARGV[3] about how many timers to look at

  Returns {next cursor, approval id, …}
]]
local timers, T, cursor, count = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

local part = redis.call('ZSCAN', timers, cursor, 'COUNT', count)
local reply = {part[1]}
for i = 1, #part[2], 2 do
  local id = part[2][i]
  if redis.call('EXISTS', T .. 'apr:' .. id) == 0 then
    redis.call('ZREM', timers, id)
    reply[#reply + 1] = id
  end
end
return reply
