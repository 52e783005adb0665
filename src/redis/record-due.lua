#!lua
--[[
  Names the records of a family whose time has come. They stay in the list: each leaves, or moves on, only in the
  change that applies what its time brings about.

  KEYS[1] list     record -> when, in ms, or +inf (sorted set)

  ARGV[1] partition prefix
  ARGV[2] how many at most

  Returns {{record, …}, next due in ms or -1, now in ms}
]]
--@use lanes
local list, T, limit = KEYS[1], ARGV[1], ARGV[2]

local now = steadyTime(T)
local due = redis.call('ZRANGEBYSCORE', list, '-inf', now, 'LIMIT', 0, limit)
local after = '(' .. string.format('%d', now)
local first = redis.call('ZRANGEBYSCORE', list, after, '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
return {due, first and string.format('%d', tonumber(first)) or '-1', string.format('%d', now)}
