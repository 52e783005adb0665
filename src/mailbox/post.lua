#!lua
--[[
  Takes one item into a conversation's mailbox, once. What the audit keeps of it is written by the commit that
  handles it: the chain of hashes would cost as much again as all of this.

  KEYS[1] seen    marker for this item id
  KEYS[2] items   the conversation's waiting items, oldest first (list)

  ARGV[1] partition prefix
  ARGV[2] lane (conversation id)
  ARGV[3] how long to remember the item id, in ms
  ARGV[4] item, as JSON
  ARGV[5] session that may take the lane at once, or ''
  ARGV[6] how many transcript entries to return with a lane taken at once
  ARGV[7] 'any', or 'known' to take the item only if the conversation has a transcript already

  Returns {0} posted before · {1} stored · {2, fence, entries} stored and taken at once · {3} not a known conversation
]]
--@use lanes
local seen, items = KEYS[1], KEYS[2]
local T, lane, rememberMs, item, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local historyEntries, whose = tonumber(ARGV[6]), ARGV[7]

if whose == 'known' and redis.call('EXISTS', T .. 'h:' .. lane, items) == 0 then return {3} end
if not redis.call('SET', seen, '1', 'NX', 'PX', rememberMs) then return {0} end

if redis.call('RPUSH', items, item) > 1 then return {1} end

local fence = leaseAtOnce(T, 'm', lane, session)
if not fence then
  schedule(T .. 'm:', lane)
  return {1}
end
return {2, fence, newestEntries(T, lane, historyEntries)}
