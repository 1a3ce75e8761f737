#!lua flags=allow-oom
-- Extends a lease that still is the caller's, also an expired one that nobody took.
-- KEYS  the lease's hash
-- ARGV  owner, epoch, ttl in ms
-- Answers 1, or -1 (fenced).
local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return -1 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]))
return 1
