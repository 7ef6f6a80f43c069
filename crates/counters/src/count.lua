-- Counts for all gateways. `script.rs` says what goes in and comes out.
--
-- A counter is a hash that expires with its window. `w` names the window. Each gateway has a field with four numbers:
-- what was planned by requests that this server let in for it; by how much what was used differs from that, as the
-- gateway says; the number of its last message; and the generation in which it last reported. What was used is the sum
-- of the first two over all gateways.
--
-- KEYS[1] holds the run of this server and a generation, which is another one after its memory was lost. While KEYS[2]
-- is there, gateways may still be reporting what they know, and nobody knows what was used.
local LOCK, FIRST, EACH, EXACT = 2, 3, 9, 9007199254740991
local mode, mine, generation = ARGV[1], ARGV[2], ARGV[3]

local function given(i, n)
  return ARGV[FIRST + (i - LOCK - 1) * EACH + n]
end

-- Lua counts exactly up to 2^53; whatever is beyond stays there.
local function bounded(number)
  return math.max(-EXACT, math.min(EXACT, number))
end

local function digits(number)
  return string.format('%.0f', bounded(number))
end

local function time()
  local now = redis.call('TIME')
  return now[1] .. string.rep('0', 6 - #now[2]) .. now[2]
end

-- The parts of a counter by gateway, and its window; none where there is no counter.
local function read(key)
  local parts, window = {}, nil
  local flat = redis.call('HGETALL', key)
  for n = 1, #flat, 2 do
    if flat[n] == 'w' then
      window = flat[n + 1]
    else
      local planned, settled, number, reported = string.match(flat[n + 1], '^(%S+) (%S+) (%S+) (%S+)$')
      parts[flat[n]] = {
        planned = tonumber(planned), settled = tonumber(settled), number = tonumber(number), reported = reported,
      }
    end
  end
  return parts, window
end

local function write(key, gateway, part)
  local text = digits(part.planned) .. ' ' .. digits(part.settled) .. ' ' .. digits(part.number)
  redis.call('HSET', key, gateway, text .. ' ' .. part.reported)
end

local function used(parts)
  local sum = 0
  for _, part in pairs(parts) do
    sum = bounded(sum + math.max(part.planned + part.settled, 0))
  end
  return sum
end

-- ARGV: the run of the server, and the milliseconds that gateways have to report to a new one.
if mode == 'greet' then
  local run, known = ARGV[3], redis.call('GET', KEYS[1])
  local before = known and string.match(known, '^(%S+) ')
  if not before or (run ~= 'unknown' and before ~= run) then
    known = run .. ' ' .. time()
    redis.call('SET', KEYS[2], 1, 'PX', ARGV[4])
  end
  -- Also where nothing changes: a server that takes no writes does not count.
  redis.call('SET', KEYS[1], known)
  return { 0, math.max(redis.call('PTTL', KEYS[2]), 0), tonumber(string.match(known, ' (%S+)$')) }
end

local known = redis.call('GET', KEYS[1])
if not known or string.match(known, ' (%S+)$') ~= generation then
  return { -2, 0 }
end
local reporting = redis.call('PTTL', KEYS[2])

-- What a gateway remembers: of its own part, which it knows best, and of those of others, which may have gone.
if mode == 'report' then
  if reporting > 0 and reporting < 1000 then
    redis.call('PEXPIRE', KEYS[2], 1000)
  end
  local at = FIRST
  for i = LOCK + 1, #KEYS do
    local key = KEYS[i]
    local window, left, planned, settled = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    local number, others = ARGV[at + 5], tonumber(ARGV[at + 6])
    at = at + 6
    local parts, there = read(key)
    if not there then
      redis.call('HSET', key, 'w', window)
      redis.call('PEXPIRE', key, left)
    end
    write(key, mine, {
      planned = tonumber(planned), settled = tonumber(settled), number = tonumber(number), reported = generation,
    })
    for _ = 1, others do
      local gateway, sum = ARGV[at + 1], tonumber(ARGV[at + 2])
      at = at + 2
      local part = parts[gateway] or { planned = 0, settled = 0, number = 0, reported = '0' }
      if part.reported ~= generation and part.planned + part.settled < sum then
        part.planned = sum - part.settled
        write(key, gateway, part)
      end
    end
  end
  return { 0 }
end

if reporting > 0 then
  return { -1, reporting }
end

-- What this gateway settled, or counted alone.
local counters = {}
for i = LOCK + 1, #KEYS do
  local key, window, left = KEYS[i], given(i, 1), tonumber(given(i, 2))
  local planned, settled, number = tonumber(given(i, 3)), tonumber(given(i, 4)), tonumber(given(i, 5))
  local alone = given(i, 6) == '1'
  local parts, there = read(key)
  local part = parts[mine]
  if left > 0 then
    local changed = false
    if there == window and part then
      if number > part.number then
        part.settled, part.number, changed = settled, number, true
      end
    elseif alone and there and there ~= window then
      -- Counted in a window of its own, while others began another one: nothing is done, and it is told of theirs.
      part = part or { planned = 0, settled = 0 }
      return { -3, i - LOCK, tonumber(there), redis.call('PTTL', key), part.planned, part.settled }
    elseif not part and (there == window or (alone and not there)) then
      part = { planned = planned, settled = settled, number = number, reported = generation }
      parts[mine], changed = part, true
    end
    if changed then
      if not there then
        there = window
        redis.call('HSET', key, 'w', window)
        redis.call('PEXPIRE', key, left)
      end
      write(key, mine, part)
    end
  end
  counters[i] = { parts = parts, window = there }
end
if mode == 'settle' then
  return { 0 }
end

for i = LOCK + 1, #KEYS do
  local key, amount, planned = KEYS[i], tonumber(given(i, 7)), tonumber(given(i, 8))
  local length = tonumber(given(i, 9))
  local left = redis.call('PTTL', key)
  if left > length or left == -1 then
    -- The policy has made the window shorter.
    redis.call('PEXPIRE', key, length)
    left = length
  end
  if used(counters[i].parts) > amount - planned then
    return { i - LOCK, left >= 0 and left or length }
  end
end

local reply = { 0 }
for i = LOCK + 1, #KEYS do
  local key, planned, number = KEYS[i], tonumber(given(i, 8)), tonumber(given(i, 5))
  local parts, window = counters[i].parts, counters[i].window
  if not window then
    window = time()
    redis.call('HSET', key, 'w', window)
    redis.call('PEXPIRE', key, given(i, 9))
  end
  local part = parts[mine] or { planned = 0, settled = 0, number = number, reported = generation }
  part.planned = part.planned + planned
  parts[mine] = part
  write(key, mine, part)
  reply[#reply + 1] = tonumber(window)
  reply[#reply + 1] = used(parts)
  reply[#reply + 1] = redis.call('PTTL', key)
  reply[#reply + 1] = part.planned
  reply[#reply + 1] = part.settled
  local others = #reply + 1
  reply[others] = 0
  for gateway, other in pairs(parts) do
    if gateway ~= mine then
      reply[others] = reply[others] + 1
      reply[#reply + 1] = tonumber(gateway)
      reply[#reply + 1] = math.max(other.planned + other.settled, 0)
    end
  end
end
return reply
