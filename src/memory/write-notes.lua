#!lua
--[[
  Writes several notes of one owner, all or none.

  KEYS[1] notes   name -> note as JSON, each with its version (hash)

  ARGV, per note: name, expected version ('' for any, '0' for "must not exist"), note as JSON or '' to remove it

  Returns {1} written · {0, name, current version} one of them had another version; nothing was written.
]]
local notes = KEYS[1]

for i = 1, #ARGV, 3 do
  local name, expected = ARGV[i], ARGV[i + 1]
  local current = redis.call('HGET', notes, name)
  local version = current and tostring(cjson.decode(current).version) or '0'
  if expected ~= '' and expected ~= version then return {0, name, version} end
end
for i = 1, #ARGV, 3 do
  local name, note = ARGV[i], ARGV[i + 2]
  if note == '' then redis.call('HDEL', notes, name) else redis.call('HSET', notes, name, note) end
end
return {1}
