#!lua flags=allow-oom
-- Writes what is remembered of entries that still are in their stream: absolute values, so that a repeat does no harm.
-- KEYS  ctl, s, att
-- ARGV  owner, epoch, then for each entry: stream id, value ('' = forget)
-- Answers as ack.lua.
local ctl = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if ctl[1] ~= ARGV[1] or ctl[2] ~= ARGV[2] then return -1 end
local letters, reasons = {}, {}
for a = 3, #ARGV, 2 do
  local id, value = ARGV[a], ARGV[a + 1]
  local letter = 'w'
  if not redis.call('XRANGE', KEYS[2], id, id)[1] then
    letter = 'g'
  else
    local set
    if value == '' then
      set = redis.pcall('HDEL', KEYS[3], id)
    else
      set = redis.pcall('HSET', KEYS[3], id, value)
    end
    if type(set) == 'table' then
      letter = 'r'
      reasons[#reasons + 1] = KEYS[3] .. ': ' .. set.err
    end
  end
  letters[#letters + 1] = letter
end
letters = table.concat(letters)
if #reasons == 0 then return letters end
return {letters, unpack(reasons)}
