#!lua flags=allow-oom
--[[
  Puts the timer of an approval where it belongs, or removes it.

  KEYS[1] approval   "<revision> <document>" (string)
  KEYS[2] timers     approval id -> when, in ms (sorted set)

  ARGV[1] approval id
  ARGV[2] revision that was looked at, or '' if there is no such approval
  ARGV[3] when, in ms, or '' to remove it

  Returns 1 done · 0 it was changed meanwhile, nothing written
]]
local approval, timers = KEYS[1], KEYS[2]
local id, revision, due = ARGV[1], ARGV[2], ARGV[3]

if (string.match(redis.call('GETRANGE', approval, 0, 20), '^%d+') or '') ~= revision then return 0 end
if due == '' then
  redis.call('ZREM', timers, id)
else
  redis.call('ZADD', timers, due, id)
end
return 1
