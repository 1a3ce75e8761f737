#!lua flags=allow-oom
-- Writes what is remembered of a type whose handling ends the process: the absolute value, so that a repeat does no harm.
-- KEYS  ctl
-- ARGV  owner, epoch, field, value
-- Answers 1, or -1 (fenced).
local ctl = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if ctl[1] ~= ARGV[1] or ctl[2] ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
return 1
