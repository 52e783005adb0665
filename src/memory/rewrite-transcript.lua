#!lua
--[[
  Puts other entries in the place of some of a transcript.

  KEYS[1] transcript   entries as JSON, oldest first (list)

  ARGV, per entry: index from 0, the entry as it was seen, the one that takes its place

  Returns how many were replaced. One that is not what was seen is left alone: the transcript was trimmed meanwhile.
]]
local transcript = KEYS[1]

local replaced = 0
for i = 1, #ARGV, 3 do
  local index, seen, entry = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('LINDEX', transcript, index) == seen then
    redis.call('LSET', transcript, index, entry)
    replaced = replaced + 1
  end
end
return replaced
