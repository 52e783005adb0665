#!lua
--[[
  Notes that an approval that ended was found to be in order, so that it need not be looked at again; or takes for
  handled what an approval came to before such notes were taken.

  KEYS[1] approval   "<revision> <document>" (string)
  KEYS[2] note       mark of what the conversation handled (string)

  ARGV[1] revision that was looked at
  ARGV[2] note

  Returns 1 noted · 0 it was changed meanwhile, nothing written
]]
local approval, note = KEYS[1], KEYS[2]
local revision, mark = ARGV[1], ARGV[2]

if string.match(redis.call('GETRANGE', approval, 0, 20), '^%d+') ~= revision then return 0 end
local leftMs = redis.call('PTTL', approval)
if leftMs < 0 then
  redis.call('SET', note, mark)
else
  redis.call('SET', note, mark, 'PX', math.max(leftMs, 1))
end
return 1
