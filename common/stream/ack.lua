#!lua flags=allow-oom
-- Takes ended entries out of their stream, with effects, marks and dead letters: all of one entry or nothing of it.
-- KEYS  ctl, s, att, dlq, then for each entry its mark (if any) and the key of each effect
-- ARGV  owner, epoch, ms that marks live, then for each entry: stream id, fresh mark ('' = none), and either '' or
--       <number of effects>, op, field, value, expiry ms ('0' = none) of each, <number of dead-letter fields and values>, those
-- An effect's op is i, s, a on a hash, or x: the entry is copied to the stream of its key; field: the idempotency key, value: its length
-- Answers -1 (fenced), or one letter an entry (w written, g gone, r refused); with refusals an array: the letters, then the reasons.
local call, pcall_redis = redis.call, redis.pcall
local sub, tonumber = string.sub, tonumber
local ctl = call('HMGET', KEYS[1], 'owner', 'epoch')
if ctl[1] ~= ARGV[1] or ctl[2] ~= ARGV[2] then return -1 end
local stream, keep = KEYS[2], ARGV[3]

-- Whole numbers that HINCRBY takes, with room to add without an overflow.
local function whole(text)
  return string.match(text, '^-?[1-9]%d*$') ~= nil and #text <= 18 or text == '0'
end
local function rank(text)
  local digits = string.match(text, '^%d+')
  return digits and #digits <= 15 and tonumber(digits)
end

-- What is wrong with an effect, or nothing.
local function flaw(key, op, field, value)
  if op == 'x' then
    local length = pcall_redis('XLEN', key)
    if type(length) == 'table' then return key .. ': ' .. length.err end
    if not whole(value) then return key .. ': length ' .. value .. ' is no whole number' end
    return
  end
  local old = pcall_redis('HGET', key, field)
  if type(old) == 'table' then return key .. ': ' .. old.err end
  if op == 'i' then
    if not whole(value) then return key .. ' ' .. field .. ': increment ' .. value .. ' is no whole number' end
    if old and not whole(old) then return key .. ' ' .. field .. ' holds no whole number' end
  elseif op == 'a' then
    if not rank(value) then return key .. ' ' .. field .. ': no number begins ' .. value end
    if old and not rank(old) then return key .. ' ' .. field .. ' begins with no number' end
  end
end

-- Adds an entry to a stream as consumers of other languages see it (kCopyFields). Answers what went wrong, or nothing.
local function copy(entry, key, idempotency_key, length)
  local of = {}
  for i = 1, #entry - 1, 2 do of[entry[i]] = of[entry[i]] or entry[i + 1] end
  local added = pcall_redis('XADD', key, 'MAXLEN', '~', length, '*', 'id', of.id or '', 'idempotencyKey', idempotency_key,
    'idInstance', of.i or '', 'chatId', of.c or '', 'typeWebhook', of.t or '', 'received', of.r or '', 'trace', of.q or '', 'body', of.b or '')
  if type(added) == 'table' then return key .. ': ' .. added.err end
end

local function apply(key, op, field, value, expiry)
  -- pcall: two effects of one entry may contradict each other (set a text, then count on it), which must not end the batch half-way.
  if op == 'i' then
    pcall_redis('HINCRBY', key, field, value)
  elseif op == 's' then
    pcall_redis('HSET', key, field, value)
  else
    local old = pcall_redis('HGET', key, field)
    if not old or (rank(old) or -1) < rank(value) then pcall_redis('HSET', key, field, value) end
  end
  if expiry ~= '0' then pcall_redis('PEXPIRE', key, expiry) end
end

-- A mark is format digit, r (13 digits), first id (16 bytes), digests (8 bytes each): greatest r, first id, last four digests.
local function merge(old, fresh)
  if sub(old, 1, 1) ~= '1' or #old < 38 then return fresh end
  local r = sub(old, 2, 14)
  if tonumber(sub(fresh, 2, 14)) > (tonumber(r) or 0) then r = sub(fresh, 2, 14) end
  local digest, digests = sub(fresh, 31, 38), ''
  for at = 31, #old - 7, 8 do
    local known = sub(old, at, at + 7)
    if known ~= digest then digests = digests .. known end
  end
  return '1' .. r .. sub(old, 15, 30) .. sub(digests .. digest, -32)
end

-- Copies the entry with what is said of its death. Lua's stack bounds the fields; an entry of ours has nine.
local function bury(id, first, last)
  local entry = call('XRANGE', stream, id, id)[1][2]
  local fields = {}
  for i = 1, math.min(#entry, 2000) do fields[i] = entry[i] end
  for i = first, last do fields[#fields + 1] = ARGV[i] end
  local added = pcall_redis('XADD', KEYS[4], '*', unpack(fields))
  if type(added) == 'table' then return KEYS[4] .. ': ' .. added.err end
end

local letters, reasons, done = {}, {}, {}
local k, a, last = 5, 4, #ARGV
while a <= last do
  local id, fresh, effects = ARGV[a], ARGV[a + 1], ARGV[a + 2]
  a = a + 3
  local mark, mark_value, why
  if fresh ~= '' then
    mark = KEYS[k]
    k = k + 1
    mark_value = pcall_redis('GET', mark)
    if type(mark_value) == 'table' then why = mark .. ': ' .. mark_value.err end
  end
  local first_key, first_effect, count, first_death, deaths = k, a, 0, a, 0
  local copies = false
  if effects ~= '' then
    count = tonumber(effects)
    for _ = 1, count do
      copies = copies or ARGV[a] == 'x'
      why = why or flaw(KEYS[k], ARGV[a], ARGV[a + 1], ARGV[a + 2])
      k = k + 1
      a = a + 4
    end
    deaths = tonumber(ARGV[a])
    first_death = a + 1
    a = a + 1 + deaths
  end
  -- What may still fail comes first.
  local entry = not why and copies and call('XRANGE', stream, id, id)[1]
  if entry then
    for i = 0, count - 1 do
      local at = first_effect + 4 * i
      if ARGV[at] == 'x' then why = why or copy(entry[2], KEYS[first_key + i], ARGV[at + 1], ARGV[at + 2]) end
    end
  end
  if not why and deaths > 0 then
    if call('XRANGE', stream, id, id)[1] then why = bury(id, first_death, first_death + deaths - 1) end
  end
  local letter = 'w'
  if why then
    -- Gone counts more than refused: what was done needs no care.
    letter = call('XRANGE', stream, id, id)[1] and 'r' or 'g'
    if letter == 'r' then reasons[#reasons + 1] = why end
  elseif call('XDEL', stream, id) == 0 then
    letter = 'g'
  else
    for i = 0, count - 1 do
      local at = first_effect + 4 * i
      if ARGV[at] ~= 'x' then apply(KEYS[first_key + i], ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]) end
    end
    if mark then call('SET', mark, mark_value and merge(mark_value, fresh) or fresh, 'PX', keep) end
    done[#done + 1] = id
  end
  letters[#letters + 1] = letter
end
if #done > 0 then pcall_redis('HDEL', KEYS[3], unpack(done)) end
letters = table.concat(letters)
if #reasons == 0 then return letters end
return {letters, unpack(reasons)}
