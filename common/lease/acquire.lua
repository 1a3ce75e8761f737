#!lua flags=allow-oom
-- Takes a lease unless another's is valid.
-- KEYS  the lease's hash, optionally a stream
-- ARGV  owner, ttl in ms, epoch that the caller still knows, state that it saw unchanged for a whole ttl of its own clock ('' = none)
-- Answers {1, epoch, resumed|clean|crash, last id of the stream} or {0, owner, remaining ms, state}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, ttl, known, unchanged = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'until', 'how')
local owner, epoch, expires, how = held[1] or '', held[2] or '0', held[3] or '0', held[4] or 'clean'

local last = '0-0'
if KEYS[2] then
  local entry = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if entry then last = entry[1] end
end

local extended = string.format('%d', now + ttl)
if owner == me then
  redis.call('HSET', KEYS[1], 'until', extended)
  if epoch == known then how = 'resumed' end
  return {1, epoch, how, last}
end
-- The lengths make the state unambiguous whatever an owner is called.
local state = #owner .. ':' .. owner .. ':' .. epoch .. ':' .. expires
local remaining = (tonumber(expires) or 0) - now
if owner ~= '' and remaining > 0 and state ~= unchanged then
  return {0, owner, math.min(remaining, 9007199254740991), state}
end
-- Beyond 15 digits a number of Lua's loses its last digits: such an epoch was not written by us, and time is greater than any we gave.
local next_epoch = now
if string.match(epoch, '^%d+$') and #epoch <= 15 and tonumber(epoch) >= now then next_epoch = tonumber(epoch) + 1 end
epoch = string.format('%d', next_epoch)
how = owner == '' and 'clean' or 'crash'
redis.call('HSET', KEYS[1], 'v', '1', 'owner', me, 'epoch', epoch, 'until', extended, 'how', how)
return {1, epoch, how, last}
