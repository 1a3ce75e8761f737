#!lua
-- Claims a kind of notification that nobody has described: whoever comes first tells the operator. A repeat with the same value is answered
-- as the first was, since its reply may have been lost.
-- KEYS  news
-- ARGV  field, value, how many fields there may be
-- Answers {1 first, 0 known or -1 full; number of fields}.
local known = redis.call('HGET', KEYS[1], ARGV[1])
local fields = redis.call('HLEN', KEYS[1])
if known then return {known == ARGV[2] and 1 or 0, fields} end
if fields >= tonumber(ARGV[3]) then return {-1, fields} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return {1, fields + 1}
