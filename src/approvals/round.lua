#!lua
--[[
  Looks at approvals and at what is around each, in one moment: its timer, and what its conversation handled last.

  KEYS[1] timers   approval id -> when, in ms (sorted set)

  ARGV[1] partition prefix
  ARGV[2] a timer that is due this long, in ms, is worth a look
  ARGV[3…] approval id, revision known to be in order or '', when that one is due in ms or '', …

  Returns {now in ms, how many there are, {id, document, timer or '', mark or '', …}}. Left out are those that are as
  they are known to be with their timer in place, and those that ended and were proved to be in order ("<mark> r<rev>").
]]
--@use lanes
local timers, T, lateMs = KEYS[1], ARGV[1], tonumber(ARGV[2])

local now, there, worth = steadyTime(T), 0, {}

local function isTimely(timer, due)
  if due == '' or not timer then return due == '' and not timer end
  return tonumber(timer) <= tonumber(due) and tonumber(timer) >= now - lateMs
end

for i = 3, #ARGV, 3 do
  local id, known, due = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local key = T .. 'apr:' .. id
  local revision = string.match(redis.call('GETRANGE', key, 0, 20), '^%d+')
  if revision then
    there = there + 1
    local timer = redis.call('ZSCORE', timers, id)
    local mark = redis.call('GET', T .. 'heard:' .. id)
    local isProved = mark and not timer and string.match(mark, ' r(%d+)$') == revision
    if not isProved and not (known == revision and isTimely(timer, due)) then
      for _, value in ipairs({id, redis.call('GET', key), timer or '', mark or ''}) do
        worth[#worth + 1] = value
      end
    end
  end
end
return {string.format('%d', now), there, worth}
