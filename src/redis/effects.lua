-- Applies a list of effects, flat in ARGV from index `first`. Known kinds and their fields:
--   entry  conversation, json, keep ms    one more transcript entry; the transcript is kept that long from now
--   mail   lane, once key, once ms, item  an item for a mailbox; a once key (may be '') that is taken skips it
--   out    queue, lane, once key, once ms, item, session   an item for an outbox, leased at once to `session` if it can
--          be and if `session` is the one that commits: nobody else would hear of it
--   open   approval id, document, due ms or '', keep ms or '', inboxes, deadline ms   a new approval, its timer, and where
--          those who may answer find it; one that exists is left alone
--   change approval id, SHA-1 of the record it was decided on, document, due ms or '', keep ms or '', inboxes, deadline ms
--          an approval as it is next; the whole list is refused if it is not as it was read
--   heard  approval id, mark   a conversation handled what its approval came to; the note stays as long as the approval
--   dead   queue, lane, attempts, reason, item   a dead letter
--   guard  conversation, SHA-1 of the control it was decided on   writes nothing; the whole list is refused if it is another
--   control  conversation, ticket, SHA-1 of the record it was decided on ('' for none), document, due ms or '', keep ms or '', release
--          who speaks for a conversation; release `lane` puts a parked mailbox back in line, `all` also what was held
--   record family, id, SHA-1 of the record it was decided on ('' for none), "<revision> <document>", due ms or '', keep ms or ''
--          one that is over is kept for a while, 'as-before' for no longer than it was to be; one that is not stands in the
--          list of its family, by when it is due
--   hold   conversation, item             kept aside until a change of control releases it
--   usage  period, keep ms, [[counter, more], …] as JSON   what was used in a period; kept that long from now
--   audit  json, words or ''   an entry of the audit, and what stands beside it
--   reword number, SHA-1 of what stands beside that audit entry, words or '' for none
-- Lua does not roll back, so the whole list is checked before the first write.
local EFFECT_FIELDS = {
  entry = 3, mail = 4, out = 6, open = 6, dead = 5, audit = 2,
  guard = 2, control = 7, record = 6, hold = 2, heard = 2, change = 7, usage = 3,
  reword = 3,
}

-- What a record is told by, to the byte; '' where there is none. A revision would not do: a server that lost writes
-- counts one twice.
local function fingerprintOf(key)
  local current = redis.call('GET', key)
  return current and redis.sha1hex(current) or ''
end

-- Whether a guard, a change of control, of a record, of an approval or of words was decided on what is there now. The
-- prefix of the partition is ARGV[1].
local function isAsSeen(kind, i)
  local T = ARGV[1]
  if kind == 'record' then return fingerprintOf(T .. ARGV[i + 1] .. ':' .. ARGV[i + 2]) == ARGV[i + 3] end
  if kind == 'change' then return fingerprintOf(T .. 'apr:' .. ARGV[i + 1]) == ARGV[i + 2] end
  if kind == 'reword' then
    local words = redis.call('HGET', T .. 'audit:words', ARGV[i + 1])
    return words and redis.sha1hex(words) == ARGV[i + 2] or false
  end
  if kind == 'guard' then return fingerprintOf(T .. 'cc:' .. ARGV[i + 1]) == ARGV[i + 2] end
  if kind == 'control' then return fingerprintOf(T .. 'cc:' .. ARGV[i + 1]) == ARGV[i + 3] end
  return true
end

local function movedText(i)
  if ARGV[i] == 'record' then return 'RECORD_MOVED ' .. ARGV[i + 2] end
  if ARGV[i] == 'change' then return 'RECORD_MOVED ' .. ARGV[i + 1] end
  if ARGV[i] == 'reword' then return 'RECORD_MOVED audit:' .. ARGV[i + 1] end
  return 'CONTROL_MOVED ' .. ARGV[i + 1]
end

local function checkEffects(first)
  local i = first
  while i <= #ARGV do
    local fields = EFFECT_FIELDS[ARGV[i]]
    if not fields or i + fields > #ARGV then return redis.error_reply('ERR bad effect ' .. tostring(ARGV[i])) end
    if not isAsSeen(ARGV[i], i) then return redis.error_reply(movedText(i)) end
    i = i + fields + 1
  end
  return nil
end

local function isFirst(T, onceKey, onceMs)
  if onceKey == '' then return true end
  return redis.call('SET', T .. 'd:' .. onceKey, '1', 'NX', 'PX', onceMs) and true or false
end

local function applyControl(T, conversation, ticket, document, due, keepMs, release)
  local key = T .. 'cc:' .. conversation
  if keepMs == '' then
    redis.call('SET', key, document)
    redis.call('SET', T .. 'cct:' .. ticket, conversation)
  else
    redis.call('SET', key, document, 'PX', keepMs)
    redis.call('SET', T .. 'cct:' .. ticket, conversation, 'PX', keepMs)
  end
  if due == '' then
    redis.call('ZREM', T .. 'ct', conversation)
  else
    redis.call('ZADD', T .. 'ct', due, conversation)
  end
  if release == 'none' then return end
  if release == 'all' then
    for _, item in ipairs(redis.call('LRANGE', T .. 'ch:' .. conversation, 0, -1)) do
      enqueue(T .. 'm:', conversation, item)
    end
    redis.call('DEL', T .. 'ch:' .. conversation)
  end
  if redis.call('ZREM', T .. 'park', 'm|' .. conversation) == 1 then schedule(T .. 'm:', conversation) end
end

local function applyRecord(T, family, id, document, due, keepMs)
  local key, list = T .. family .. ':' .. id, T .. 'due:' .. family
  if keepMs == '' then
    redis.call('SET', key, document)
    redis.call('ZADD', list, due == '' and '+inf' or due, id)
  elseif keepMs == 'as-before' then
    redis.call('SET', key, document, 'KEEPTTL')
    redis.call('ZREM', list, id)
  else
    redis.call('SET', key, document, 'PX', keepMs)
    redis.call('ZREM', list, id)
  end
end

-- The note goes when the approval goes.
local function noteHeard(T, approval, mark)
  local key, leftMs = T .. 'heard:' .. approval, redis.call('PTTL', T .. 'apr:' .. approval)
  if leftMs == -2 then
    redis.call('DEL', key)
  elseif leftMs == -1 then
    redis.call('SET', key, mark)
  else
    redis.call('SET', key, mark, 'PX', math.max(leftMs, 1))
  end
end

local function countUsage(T, period, keepMs, counts)
  local key = T .. 'use:' .. period
  for _, count in ipairs(cjson.decode(counts)) do redis.call('HINCRBY', key, count[1], count[2]) end
  redis.call('PEXPIRE', key, keepMs)
end

-- Puts an approval into inboxes, and takes it out of others: '+name' or '-name', a line each.
local function moveInInboxes(T, approval, moves, deadline)
  for way, inbox in string.gmatch(moves, '([+-])([^\n]+)') do
    if way == '+' then
      redis.call('ZADD', T .. 'in:' .. inbox, deadline, approval)
    else
      redis.call('ZREM', T .. 'in:' .. inbox, approval)
    end
  end
end

-- The next revision of an approval, its timer, and the inboxes it lies in.
local function writeApproval(T, id, document, due, keepMs, inboxes, deadline)
  if keepMs == '' then
    redis.call('SET', T .. 'apr:' .. id, document)
  else
    redis.call('SET', T .. 'apr:' .. id, document, 'PX', keepMs)
  end
  if due == '' then
    redis.call('ZREM', T .. 't', id)
  else
    redis.call('ZADD', T .. 't', due, id)
  end
  moveInInboxes(T, id, inboxes, deadline)
end

-- Returns the outbound lanes that were leased at once to `holder` (nil for none): queue, lane, fence, item, …
local function applyEffects(T, now, first, holder)
  local handed, audits, words = {}, {}, {}
  local i = first
  while i <= #ARGV do
    local kind = ARGV[i]
    if kind == 'entry' then
      redis.call('RPUSH', T .. 'h:' .. ARGV[i + 1], ARGV[i + 2])
      -- Entries stand together; the time to keep the transcript is set with the last of them.
      -- The sweep takes it when its time is over, and says so; only what nobody swept goes by itself, two days later.
      if ARGV[i + 4] ~= 'entry' then redis.call('PEXPIRE', T .. 'h:' .. ARGV[i + 1], ARGV[i + 3] + 172800000) end
    elseif kind == 'mail' then
      if isFirst(T, ARGV[i + 2], ARGV[i + 3]) then enqueue(T .. 'm:', ARGV[i + 1], ARGV[i + 4]) end
    elseif kind == 'out' then
      local queue, lane, item, session = ARGV[i + 1], ARGV[i + 2], ARGV[i + 5], ARGV[i + 6]
      if isFirst(T, ARGV[i + 3], ARGV[i + 4]) then
        if redis.call('RPUSH', T .. queue .. ':q:' .. lane, item) == 1 then
          local fence = session == holder and leaseAtOnce(T, queue, lane, session)
          if fence then
            handed[#handed + 1] = queue
            handed[#handed + 1] = lane
            handed[#handed + 1] = fence
            handed[#handed + 1] = item
          else
            schedule(T .. queue .. ':', lane)
          end
        end
      end
    elseif kind == 'open' then
      local key, due, keepMs = T .. 'apr:' .. ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
      if redis.call('SET', key, ARGV[i + 2], 'NX') then
        if due ~= '' then redis.call('ZADD', T .. 't', due, ARGV[i + 1]) end
        if keepMs ~= '' then redis.call('PEXPIRE', key, keepMs) end
        moveInInboxes(T, ARGV[i + 1], ARGV[i + 5], ARGV[i + 6])
      end
    elseif kind == 'change' then
      writeApproval(T, ARGV[i + 1], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7])
    elseif kind == 'dead' then
      redis.call('XADD', T .. 'dlq', '*', 'queue', ARGV[i + 1], 'lane', ARGV[i + 2], 'attempts', ARGV[i + 3],
        'reason', ARGV[i + 4], 'item', ARGV[i + 5])
    elseif kind == 'control' then
      applyControl(T, ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7])
    elseif kind == 'record' then
      applyRecord(T, ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
    elseif kind == 'hold' then
      redis.call('RPUSH', T .. 'ch:' .. ARGV[i + 1], ARGV[i + 2])
    elseif kind == 'heard' then
      noteHeard(T, ARGV[i + 1], ARGV[i + 2])
    elseif kind == 'usage' then
      countUsage(T, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
    elseif kind == 'audit' then
      audits[#audits + 1] = ARGV[i + 1]
      words[#words + 1] = ARGV[i + 2]
    elseif kind == 'reword' then
      if ARGV[i + 3] == '' then
        redis.call('HDEL', T .. 'audit:words', ARGV[i + 1])
      else
        redis.call('HSET', T .. 'audit:words', ARGV[i + 1], ARGV[i + 3])
      end
    end
    i = i + EFFECT_FIELDS[kind] + 1
  end
  appendAudit(T, now, audits, words)
  return handed
end
