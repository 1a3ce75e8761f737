#!lua
-- Puts dead letters back into their stream. Without allow-oom: at maxmemory it is refused as a whole.
-- KEYS  s, dlq, att
-- ARGV  source that the entries get (redrive or forced), ids of dead letters
-- Answers an array: the new id of each, or nil when it wasn't there any more or can't be put back.
redis.call('HLEN', KEYS[3])  -- fails for another type, before the first write
local answers = {}
for a = 2, #ARGV do
  local id = ARGV[a]
  local record = redis.call('XRANGE', KEYS[2], id, id)[1]
  local answer = false
  if record then
    local fields = record[2]
    -- What the death added begins with the last field `dead`.
    local cut = #fields + 1
    for i = #fields - 1, 1, -2 do
      if fields[i] == 'dead' then
        cut = i
        break
      end
    end
    local entry, source = {}, false
    for i = 1, cut - 1, 2 do
      entry[i], entry[i + 1] = fields[i], fields[i + 1]
      if fields[i] == 's' and not source then
        entry[i + 1] = ARGV[1]
        source = true
      end
    end
    -- Nothing but a death, or more fields than Lua's stack takes: no entry of ours. It stays, and the others go on.
    if #entry > 0 and #entry <= 2000 then
      answer = redis.call('XADD', KEYS[1], '*', unpack(entry))
      for i = cut, #fields - 1, 2 do
        if fields[i] == 'actions' and fields[i + 1] ~= '' then redis.call('HSET', KEYS[3], answer, fields[i + 1]) end
      end
      redis.call('XDEL', KEYS[2], id)
    end
  end
  answers[a - 1] = answer
end
return answers
