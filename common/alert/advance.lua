#!lua flags=allow-oom
-- Notes how far sinks are, if the caller delivers.
-- KEYS  the lease's hash
-- ARGV  owner, epoch, then fields and their values; an empty one removes its field
-- Answers 1, or -1 (fenced).
local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return -1 end
for a = 3, #ARGV, 2 do
  if ARGV[a + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[a]) else redis.call('HSET', KEYS[1], ARGV[a], ARGV[a + 1]) end
end
return 1
