#!lua flags=allow-oom
--[[
  Replaces a grant by its next revision, with the audit entry of it, in one write.

  KEYS[1] grants   id -> "<revision> <document>" (hash)

  ARGV[1] partition prefix
  ARGV[2] grant id
  ARGV[3] SHA-1 of what was decided upon; '' for a new one. A revision would not do: a server that lost writes counts
          one twice
  ARGV[4] next document with its revision
  ARGV[5…] effects, see effects.lua

  Returns 1 written · 0 changed meanwhile, nothing written
]]
--@use lanes
--@use effects
local grants = KEYS[1]
local T, id, fingerprint, document = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local current = redis.call('HGET', grants, id)
if (current and redis.sha1hex(current) or '') ~= fingerprint then return 0 end
local bad = checkEffects(5)
if bad then return bad end
redis.call('HSET', grants, id, document)
applyEffects(T, serverNow(), 5)
return 1
