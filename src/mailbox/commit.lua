#!lua flags=allow-oom
--[[
  Takes the head item off a leased lane and makes everything its handling decided visible, in one write.

  KEYS[1] items   the lane's items (list)
  KEYS[2] lease   the lane's lease (hash: f fence, n step, w session, a attempts, x failed ones)

  ARGV[1] partition prefix
  ARGV[2] queue
  ARGV[3] lane
  ARGV[4] fence
  ARGV[5] step within the lease
  ARGV[6] session
  ARGV[7] 'more' to go on with the lane's next item under the same lease, 'yield' to give the lane up
  ARGV[8…] effects, see effects.lua

  Returns {-1} lease lost, nothing written · {0, handed…} lane given up · {1, step, item, handed…} next item
  Sent twice (same fence, older step) it writes nothing again and returns the current head.
]]
--@use lanes
--@use effects
local items, leaseKey = KEYS[1], KEYS[2]
local T, queue, lane, fence, step, session, mode = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local held = redis.call('HMGET', leaseKey, 'f', 'n', 'w')
if held[1] ~= fence or held[3] ~= session then return {-1} end
if held[2] ~= step then
  if tonumber(held[2]) == tonumber(step) + 1 then return {1, held[2], redis.call('LINDEX', items, 0)} end
  return {-1}
end
local bad = checkEffects(8)
if bad then return bad end

local handed = applyEffects(T, serverNow(), 8, session)
redis.call('LPOP', items)
local nextItem = redis.call('LINDEX', items, 0)

local reply
if nextItem and mode == 'more' then
  local nextStep = tonumber(step) + 1
  redis.call('HSET', leaseKey, 'a', 1, 'n', nextStep)
  redis.call('HDEL', leaseKey, 'x')
  reply = {1, tostring(nextStep), nextItem}
else
  redis.call('DEL', leaseKey)
  redis.call('SREM', T .. 'own:' .. session, queue .. '|' .. lane)
  if nextItem then schedule(T .. queue .. ':', lane) end
  reply = {0}
end
for _, value in ipairs(handed) do reply[#reply + 1] = value end
return reply
