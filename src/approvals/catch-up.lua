#!lua
--[[
  Whether somebody is told of one more thing that they should have heard of while nobody of ours was there. The same
  thing gets the same answer, however often it is asked for.

  KEYS[1] budget   what they were told of, each with its answer; `sent`, `digest` (hash)

  ARGV[1] thing
  ARGV[2] how many are told one by one
  ARGV[3] how long that is remembered, in ms

  Returns 'tell' · 'digest' the rest together, now · 'keep' it is among the rest
]]
local budget, thing, most, rememberMs = KEYS[1], 'of:' .. ARGV[1], tonumber(ARGV[2]), ARGV[3]

local known = redis.call('HGET', budget, thing)
if known then return known end

local answer = 'keep'
if tonumber(redis.call('HGET', budget, 'sent') or '0') < most then
  redis.call('HINCRBY', budget, 'sent', 1)
  answer = 'tell'
elseif redis.call('HSETNX', budget, 'digest', '1') == 1 then
  answer = 'digest'
end
redis.call('HSET', budget, thing, answer)
-- From the first of them on: what is still told later is told again one by one.
if redis.call('PTTL', budget) < 0 then redis.call('PEXPIRE', budget, rememberMs) end
return answer
