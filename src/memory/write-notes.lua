#!lua
--[[
  Writes several notes of one owner, all or none.

  KEYS[1] notes   name -> note as JSON, each with its version (hash)

  ARGV, per note: name, expected version ('' for any, '0' for "must not exist"), note as JSON without its version, or
  '' to remove it

  A note says by which rule it is the one that counts: `as-seen`, written over what its writer had seen (or over
  nothing); `last-write`, the last of those who wrote over whatever was there.

  Returns {1, version, …} written, 0 for a note that was removed · {0, name, current version} one of them had another version; nothing was written.
]]
local notes = KEYS[1]

local versions = {}
for i = 1, #ARGV, 3 do
  local name, expected = ARGV[i], ARGV[i + 1]
  local current = redis.call('HGET', notes, name)
  local version = current and cjson.decode(current).version or 0
  if expected ~= '' and expected ~= tostring(version) then return {0, name, version} end
  versions[name] = version
end

local written = {1}
for i = 1, #ARGV, 3 do
  local name, note = ARGV[i], ARGV[i + 2]
  if note == '' then
    redis.call('HDEL', notes, name)
    versions[name] = 0
  else
    local rule = ARGV[i + 1] == '' and versions[name] > 0 and 'last-write' or 'as-seen'
    versions[name] = versions[name] + 1
    local head = '{"version":' .. versions[name] .. ',"rule":"' .. rule .. '",'
    redis.call('HSET', notes, name, head .. string.sub(note, 2))
  end
  written[#written + 1] = versions[name]
end
return written
