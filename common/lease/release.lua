#!lua flags=allow-oom
-- Gives a lease up.
-- KEYS  the lease's hash
-- ARGV  owner, epoch
-- Answers 1, or -1 (fenced).
local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], 'owner', '', 'until', '0')
return 1
