-- Counts for all gateways. `script.rs` says what goes in and comes out.
--
-- A counter is a hash that expires with its window: `w` names the window, `t` is what was used in it, `g:GATEWAY` what
-- one gateway used of that, and `o` what was used by gateways that have not reported since this server lost its memory.
-- KEYS[1] holds the run of the server whose gateways have been asked to report; while KEYS[2] is there, they may still
-- be at it, and nobody knows what was used.
local mode, mine = ARGV[1], 'g:' .. ARGV[2]
local LOCK, FIRST, EACH = 2, 3, 7

local function given(i, n)
  return ARGV[FIRST + (i - LOCK - 1) * EACH + n]
end

-- ARGV[3]: in a greeting, the run of the server; then the milliseconds that gateways have to report.
if mode == 'greet' then
  if redis.call('GET', KEYS[1]) ~= ARGV[3] then
    redis.call('SET', KEYS[1], ARGV[3])
    redis.call('SET', KEYS[2], 1, 'PX', ARGV[4])
  end
  return { 0, math.max(redis.call('PTTL', KEYS[2]), 0) }
end
if not redis.call('GET', KEYS[1]) then
  return { -2, 0 }
end

-- What a gateway remembers of each window, in whole.
if mode == 'report' then
  for i = LOCK + 1, #KEYS do
    local key, window, used, seen = KEYS[i], given(i, 1), given(i, 2), given(i, 3)
    local left, alone = given(i, 4), given(i, 5)
    local found = redis.call('HMGET', key, 'w', 't', mine, 'o')
    if not found[1] then
      redis.call('HSET', key, 'w', window, 't', seen, mine, used)
      redis.call('HINCRBY', key, 'o', seen)
      redis.call('HINCRBY', key, 'o', '-' .. used)
      redis.call('PEXPIRE', key, left)
    elseif found[1] == window or alone == '1' then
      local others, more = tonumber(found[4] or '0'), tonumber(used) - tonumber(found[3] or '0')
      if more > 0 then
        local covered = math.min(others, more)
        redis.call('HSET', key, mine, used)
        redis.call('HINCRBY', key, 't', string.format('%.0f', more - covered))
        redis.call('HINCRBY', key, 'o', string.format('%.0f', -covered))
      end
      local missing = tonumber(seen) - tonumber(redis.call('HGET', key, 't'))
      if found[1] == window and missing > 0 then
        redis.call('HINCRBY', key, 't', string.format('%.0f', missing))
        redis.call('HINCRBY', key, 'o', string.format('%.0f', missing))
      end
    end
  end
  return { 0 }
end

local recovering = redis.call('PTTL', KEYS[2])
if recovering > 0 then
  return { -1, recovering }
end

-- What this gateway settled, or counted alone.
for i = LOCK + 1, #KEYS do
  local key, window, owed, left, alone = KEYS[i], given(i, 1), given(i, 2), given(i, 3), given(i, 4)
  if owed ~= '0' then
    local found = redis.call('HGET', key, 'w')
    if found == window or (found and alone == '1') then
      redis.call('HINCRBY', key, 't', owed)
      redis.call('HINCRBY', key, mine, owed)
    elseif not found and alone == '1' then
      redis.call('HSET', key, 'w', window, 't', owed, mine, owed)
      redis.call('PEXPIRE', key, left)
    end
  end
end
if mode == 'settle' then
  return { 0 }
end

-- Lua counts exactly up to 2^53, and no amount is larger; the difference keeps sums below it as well.
for i = LOCK + 1, #KEYS do
  local key, amount = KEYS[i], tonumber(given(i, 5))
  local planned, length = tonumber(given(i, 6)), tonumber(given(i, 7))
  local left = redis.call('PTTL', key)
  if left > length or left == -1 then
    -- The policy has made the window shorter.
    redis.call('PEXPIRE', key, length)
    left = length
  end
  local used = tonumber(redis.call('HGET', key, 't') or '0')
  if math.max(used, 0) > amount - planned then
    return { i - LOCK, left >= 0 and left or length }
  end
end

local time = redis.call('TIME')
local now = time[1] .. string.rep('0', 6 - #time[2]) .. time[2]
local reply = { 0 }
for i = LOCK + 1, #KEYS do
  local key, planned, length = KEYS[i], given(i, 6), given(i, 7)
  if redis.call('HSETNX', key, 'w', now) == 1 then
    redis.call('PEXPIRE', key, length)
  end
  redis.call('HINCRBY', key, mine, planned)
  reply[#reply + 1] = tonumber(redis.call('HGET', key, 'w'))
  reply[#reply + 1] = redis.call('HINCRBY', key, 't', planned)
  reply[#reply + 1] = redis.call('PTTL', key)
end
return reply
