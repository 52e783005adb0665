#!lua flags=allow-oom
--[[
  Replaces an approval by its next revision and makes everything that follows from it visible, in one write:
  the timer, the item that wakes the conversation, the updates of the cards, the audit.

  KEYS[1] approval   "<revision> <document>" (string)

  ARGV[1] partition prefix
  ARGV[2] approval id
  ARGV[3] SHA-1 of the record that was decided upon. A revision would not do: a server that lost writes counts one twice
  ARGV[4] next document with its revision
  ARGV[5] not before, in ms (0: any time)
  ARGV[6] before, in ms (0: any time)
  ARGV[7] when time has something to do next, in ms, or ''
  ARGV[8] how long to keep it, in ms, or '' to keep it
  ARGV[9] inboxes to be put into and taken out of, see effects.lua
  ARGV[10] deadline, in ms: what inboxes are in the order of
  ARGV[11…] effects, see effects.lua

  Returns {1} written · {0, current document or false, now in ms, outages as in read.lua} nothing written: changed meanwhile, or
  not the time.
  Sent twice it finds what it was decided upon gone and returns 0; the caller then sees what it wrote.
]]
--@use lanes
--@use effects
local approval = KEYS[1]
local T, id, fingerprint, document = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local notBefore, before, due, keepMs = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]

local now = steadyNow(T)
local current = redis.call('GET', approval)
local inTime = now >= notBefore and (before == 0 or now < before)
if not current or redis.sha1hex(current) ~= fingerprint or not inTime then
  return {0, current, string.format('%d', now), outagesBy(T, now)}
end
local bad = checkEffects(11)
if bad then return bad end

writeApproval(T, id, document, due, keepMs, ARGV[9], ARGV[10])
applyEffects(T, now, 11)
return {1}
