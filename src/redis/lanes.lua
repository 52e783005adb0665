-- Shared by the scripts that change lanes. T is the partition's key prefix, Q = T .. queue .. ':'.

local function serverNow()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Time that never runs backwards within a partition, nor leaps ahead unless that was confirmed (`partition-clocks.ts`):
-- what deadlines are judged by. Reading it writes nothing.
local function steadyTime(T)
  local off = tonumber(string.match(redis.call('GET', T .. 'hold') or '', '^(%d+) ') or '0')
  return math.max(serverNow() - off, tonumber(redis.call('GET', T .. 'clock') or '0'))
end

-- Nobody of ours looked for this long, in ms: an outage, in which nobody could answer.
local OUTAGE = 60000

-- The same, and no later judgement will see an earlier time than this one. Not where nobody has looked for so long: it
-- may be the clock that has leapt, and whoever looks next tells.
local function steadyNow(T)
  local now = steadyTime(T)
  local mark = tonumber(redis.call('GET', T .. 'clock') or '0')
  local watched = tonumber(redis.call('GET', T .. 'watched') or now)
  if now - math.max(watched, mark) < OUTAGE then redis.call('SET', T .. 'clock', string.format('%d', now)) end
  return now
end

-- The outages that were noted, and the one that nobody has looked after yet: '<from>-<until>' in ms.
local function outagesBy(T, now)
  local outages = redis.call('LRANGE', T .. 'outages', 0, -1)
  local watched = tonumber(redis.call('GET', T .. 'watched') or now)
  if now - watched >= OUTAGE then outages[#outages + 1] = string.format('%d-%d', watched, now) end
  return outages
end

local function schedule(Q, lane)
  redis.call('RPUSH', Q .. 'ready', lane)
  if redis.call('LLEN', Q .. 'bell') == 0 then redis.call('RPUSH', Q .. 'bell', '1') end
end

-- "RPUSH returned 1" is the whole scheduling test: a lane with items is ready, leased or parked already.
local function enqueue(Q, lane, item)
  if redis.call('RPUSH', Q .. 'q:' .. lane, item) == 1 then
    schedule(Q, lane)
    return true
  end
  return false
end

-- Gives a lane to a session: a fresh fence, step 0. Returns fence and attempt (counted here, so crash loops count).
local function lease(T, queue, lane, session, attempt)
  local key = T .. queue .. ':l:' .. lane
  attempt = attempt or redis.call('HINCRBY', key, 'a', 1)
  local fence = redis.call('INCR', T .. 'fence')
  redis.call('HSET', key, 'a', attempt, 'f', fence, 'n', 0, 'w', session)
  redis.call('SADD', T .. 'own:' .. session, queue .. '|' .. lane)
  return fence, attempt
end

-- The same for a lane that just got its first item, skipping the ready list, when nobody else waits for a turn.
local function leaseAtOnce(T, queue, lane, session)
  if session == '' or redis.call('LLEN', T .. queue .. ':ready') > 0 then return nil end
  if not redis.call('ZSCORE', T .. 'ws', session) then return nil end
  return lease(T, queue, lane, session, 1)
end

-- At least `count` of the newest entries, and up to half as many more: where they begin moves on in steps, so that what
-- is made of them begins with the same bytes for many turns.
local function newestEntries(T, lane, count)
  if count <= 0 then return {} end
  local key = T .. 'h:' .. lane
  local first = math.max(0, redis.call('LLEN', key) - count)
  local step = math.max(1, math.floor(count / 2))
  return redis.call('LRANGE', key, first - first % step, -1)
end

-- Appends audit entries, each bound to the one before by its hash, and none with an earlier time than it. `words`, if
-- given, are what stands beside each of them, or ''.
local function appendAudit(T, now, entries, words)
  if #entries == 0 then return end
  local head = redis.call('HMGET', T .. 'audit:head', 'n', 'h', 'at')
  local n, hash = tonumber(head[1] or '0'), head[2] or ''
  local at = string.format('%d', math.max(now, tonumber(head[3] or '0')))
  for index, entry in ipairs(entries) do
    n = n + 1
    hash = redis.sha1hex(hash .. '\n' .. n .. '\n' .. at .. '\n' .. entry)
    redis.call('XADD', T .. 'audit', n .. '-0', 'at', at, 'e', entry, 'h', hash)
    if words and words[index] ~= '' then redis.call('HSET', T .. 'audit:words', n, words[index]) end
  end
  redis.call('HSET', T .. 'audit:head', 'n', n, 'h', hash, 'at', at)
end
