#!lua flags=allow-oom
--[[
  Takes something off the store's clock, in one partition, or nothing any more.

  KEYS[1] hold   "<ms> <n>" (string)
  KEYS[2] told   "<why> <by how much, in ms> <n>", for a while, so that people are told of it (string)

  ARGV[1] n it was decided on
  ARGV[2] ms to take off
  ARGV[3] why
  ARGV[4] how much it leapt or returned by, in ms
  ARGV[5] for how long it is told, in ms

  Returns 1 done, 0 somebody else was first.
]]
local hold, told = KEYS[1], KEYS[2]

local n = string.match(redis.call('GET', hold) or '0 0', ' (%d+)$')
if n ~= ARGV[1] then return 0 end
local next = string.format('%d', tonumber(n) + 1)
redis.call('SET', hold, ARGV[2] .. ' ' .. next)
redis.call('SET', told, ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. next, 'PX', ARGV[5])
return 1
