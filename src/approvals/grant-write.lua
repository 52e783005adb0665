#!lua flags=allow-oom
--[[
  Replaces a grant by its next revision, with the audit entry of it, in one write.

  KEYS[1] grants   id -> "<revision> <document>" (hash)

  ARGV[1] partition prefix
  ARGV[2] grant id
  ARGV[3] revision that was decided upon; 0 for a new one
  ARGV[4] next document with its revision
  ARGV[5…] effects, see effects.lua

  Returns 1 written · 0 changed meanwhile, nothing written
]]
--@use lanes
--@use effects
local grants = KEYS[1]
local T, id, revision, document = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local current = redis.call('HGET', grants, id)
local has = current and string.match(current, '^%d+') or '0'
if has ~= revision then return 0 end
local bad = checkEffects(5)
if bad then return bad end
redis.call('HSET', grants, id, document)
applyEffects(T, serverNow(), 5)
return 1
