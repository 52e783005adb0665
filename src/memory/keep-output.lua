#!lua
--[[
  Keeps one long output of a conversation, and lets go of the oldest ones beyond what a conversation may have.

  KEYS[1] output   text, whose words it holds, which addresses are others' (JSON)
  KEYS[2] kept     outputs of the conversation, by when they were kept (sorted set)

  ARGV[1] handle
  ARGV[2] the same
  ARGV[3] for how long, in ms
  ARGV[4] most outputs of one conversation
  ARGV[5] what the keys of its outputs begin with

  Returns how many outputs were let go of.
]]
local output, kept = KEYS[1], KEYS[2]
local handle, text, keepMs, most, prefix = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local time = redis.call('TIME')
redis.call('SET', output, text, 'PX', keepMs)
redis.call('ZADD', kept, time[1] * 1000000 + time[2], handle)
redis.call('PEXPIRE', kept, keepMs)

local oldest = redis.call('ZRANGE', kept, 0, -most - 1)
for _, each in ipairs(oldest) do
  redis.call('DEL', prefix .. each)
  redis.call('ZREM', kept, each)
end
return #oldest
