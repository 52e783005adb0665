#!lua flags=allow-oom
--[[
  Makes sure that an item is in a lane, for an approval that is still as it was looked at. The head of a lane stays
  until it is handled, so an item in hand is in the lane as well.

  KEYS[1] approval   "<revision> <document>" (string)
  KEYS[2] items      the lane's items (list)

  ARGV[1] partition prefix
  ARGV[2] approval id
  ARGV[3] revision that was looked at
  ARGV[4] queue
  ARGV[5] lane
  ARGV[6] text that such an item holds, and no other
  ARGV[7] item, as JSON
  ARGV[8] mark the conversation leaves when it has handled it, or ''
  ARGV[9] once key, or '': it is posted anew only once
  ARGV[10] how long that is remembered, in ms

  Returns 'changed' since it was looked at · 'waiting' in the lane, or held aside · 'heard' handled meanwhile ·
          'given-up' posted anew before, or a dead letter · 'posted'
]]
--@use lanes
local approval, items = KEYS[1], KEYS[2]
local T, id, revision, queue, lane, text, item = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local mark, onceKey, onceMs = ARGV[8], ARGV[9], ARGV[10]
-- The newest dead letters that are looked through.
local LETTERS = 200

if string.match(redis.call('GETRANGE', approval, 0, 20), '^%d+') ~= revision then return 'changed' end
if mark ~= '' and redis.call('GET', T .. 'heard:' .. id) == mark then return 'heard' end

local function isIn(list)
  for _, each in ipairs(redis.call('LRANGE', list, 0, -1)) do
    if string.find(each, text, 1, true) then return true end
  end
  return false
end

local function isDead()
  for _, letter in ipairs(redis.call('XREVRANGE', T .. 'dlq', '+', '-', 'COUNT', LETTERS)) do
    for i = 1, #letter[2], 2 do
      if letter[2][i] == 'item' and string.find(letter[2][i + 1], text, 1, true) then return true end
    end
  end
  return false
end

if isIn(items) or (queue == 'm' and isIn(T .. 'ch:' .. lane)) then return 'waiting' end
if onceKey ~= '' then
  if redis.call('EXISTS', T .. 'd:' .. onceKey) == 1 then return 'given-up' end
  redis.call('SET', T .. 'd:' .. onceKey, '1', 'PX', onceMs)
  if isDead() then return 'given-up' end
end
enqueue(T .. queue .. ':', lane, item)
return 'posted'
