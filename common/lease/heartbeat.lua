#!lua flags=allow-oom
-- Says that a member lives, and removes those that don't: older than ttl by Redis' clock, or named as unchanged for a ttl of the caller's.
-- KEYS  the sorted set of members
-- ARGV  member, ttl in ms, then member and score of each that the caller found unchanged
-- Answers the members with their scores, flat.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%d', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%d', now - ARGV[2]))
for a = 3, #ARGV, 2 do
  if ARGV[a] ~= ARGV[1] and redis.call('ZSCORE', KEYS[1], ARGV[a]) == ARGV[a + 1] then redis.call('ZREM', KEYS[1], ARGV[a]) end
end
return redis.call('ZRANGE', KEYS[1], '0', '-1', 'WITHSCORES')
