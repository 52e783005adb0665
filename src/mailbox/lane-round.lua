#!lua flags=allow-oom
--[[
  Looks at lanes that have items. One that is in no place (not ready, not leased, not parked), or whose place is one
  that nobody comes by any more, is put back in line.

  KEYS[1] ready   lanes with work and no owner (list)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3] a lane whose pause is over for so long, in ms, was forgotten
  ARGV[4…] lanes

  Returns {{lane put back, …}, {lane, '<item> <handling>', time of the item in ms or '', …}}; in the second are those that are
  not parked, with what tells one handling of one item from the next.
]]
--@use lanes
local ready, T, queue, forgottenMs = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
-- In a longer line it would take too long to look somebody up, and whoever is in it has plainly not been forgotten.
local LONG_LINE = 10000

local now, back, standing, line = serverNow(), {}, {}, nil

local function isReady(lane)
  if not line then
    line = {}
    if redis.call('LLEN', ready) > LONG_LINE then return true end
    for _, each in ipairs(redis.call('LRANGE', ready, 0, -1)) do line[each] = true end
  end
  return line[lane] or redis.call('LLEN', ready) > LONG_LINE
end

for i = 4, #ARGV do
  local lane, member = ARGV[i], queue .. '|' .. ARGV[i]
  local head = redis.call('LINDEX', T .. queue .. ':q:' .. lane, 0)
  if head then
    local key = T .. queue .. ':l:' .. lane
    local held = redis.call('HMGET', key, 'f', 'n', 'w')
    local isHeld = held[3] and redis.call('SISMEMBER', T .. 'own:' .. held[3], member) == 1
      and redis.call('ZSCORE', T .. 'ws', held[3])
    local parkedUntil = redis.call('ZSCORE', T .. 'park', member)
    local isParked = parkedUntil and tonumber(parkedUntil) >= now - forgottenMs
    if not isHeld and not isParked and not isReady(lane) then
      if held[3] then redis.call('SREM', T .. 'own:' .. held[3], member) end
      redis.call('HDEL', key, 'f', 'n', 'w')
      redis.call('ZREM', T .. 'park', member)
      schedule(T .. queue .. ':', lane)
      back[#back + 1] = lane
    elseif not isParked then
      standing[#standing + 1] = lane
      standing[#standing + 1] = redis.sha1hex(head) .. ' ' .. (isHeld and held[1] .. '.' .. held[2] or '')
      standing[#standing + 1] = string.match(head, '"atMs":(%d+)') or ''
    end
  end
end
return {back, standing}
