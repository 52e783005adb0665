#!lua
--[[
  Appends one event to a client's log, once per idempotency key, and drops the oldest beyond the bounds.

  KEYS[1] events     the client's events (stream; the id of the event at position 7 is 7-0)
  KEYS[2] counters   last: position of the newest event, bytes: of all that are kept (hash)
  KEYS[3] appended   position under which this idempotency key was appended

  ARGV[1] event
  ARGV[2] how long the key is remembered, in ms
  ARGV[3] events kept at most
  ARGV[4] bytes kept at most; the newest event is kept however large it is
  ARGV[5] client
  ARGV[6] channel that is told

  Returns the position of the event.
]]
local events, counters, appended = KEYS[1], KEYS[2], KEYS[3]
local event, rememberMs, maxEvents, maxBytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local known = redis.call('GET', appended)
if known then return tonumber(known) end

local position = redis.call('HINCRBY', counters, 'last', 1)
local bytes = redis.call('HINCRBY', counters, 'bytes', #event)
redis.call('XADD', events, position .. '-0', 'e', event)
redis.call('SET', appended, position, 'PX', rememberMs)

local kept = redis.call('XLEN', events)
while kept > 1 and (kept > maxEvents or bytes > maxBytes) do
  local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', events, oldest[1])
  bytes = redis.call('HINCRBY', counters, 'bytes', -#oldest[2][2])
  kept = kept - 1
end

redis.call('PUBLISH', ARGV[6], ARGV[5])
return position
