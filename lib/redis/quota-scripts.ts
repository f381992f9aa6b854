import { CONNECTIONS, type PlaceName } from '../pace/quota-places.js';
import { REDIS_NOW } from './redis-connection.js';

/**
 * How long a place stays taken without being renewed, in milliseconds: the places of a process that was killed are free
 * after it. Longer than a request counts, and than a busy process goes without a turn.
 */
export const LEASE_MS = 2500;

/** How often one looks again for what is given back at an unknown time, in milliseconds. */
const POLL_MS = 100;

/** How often one looks again at a request that may be on its way, in milliseconds: well before it is free it is known when that is. */
const ARRIVAL_POLL_MS = 500;

/** For how long one that waits and does not look again when it should keeps its turn, in milliseconds. */
const TURN_GRACE_MS = 500;

/** A key that nothing uses any more is gone after this, in milliseconds. */
const KEY_LIFE_MS = 60_000;

/** A request that wants places. */
export interface PlaceRequest {
	/** Unique; one that is repeated under its ID takes nothing twice. */
	readonly id: string;
	/** Who waits: keeps its turn from request to request until one is granted. */
	readonly waiterId: string;
	readonly wanted: readonly WantedPlaces[];
}

/** How many places of one kind a request wants, and how many there are. */
export interface WantedPlaces {
	readonly name: PlaceName;
	readonly count: number;
	readonly limit: number;
}

/*
 * The key of a stream is a sorted set. Its members are of five words, and their scores are when they expire, by Redis's clock:
 *   held ID - NAME COUNT         places of a request that may be on its way still, or of an open response: the lease may be renewed
 *   sent ID - NAME COUNT         places of a request that has arrived: free at that time
 *   wait TURN WAITER NAME COUNT  one that waits since TURN: who came later leaves it these places
 *   pause - - - -                nothing is granted
 *   since TIME ID - -            without an expiry: another one means that Redis has lost what was here
 */

/** The member of places that a request was granted. */
export function heldMember(id: string, { name, count }: WantedPlaces): string {
	return `held ${id} - ${name} ${count}`;
}

/** The member of places that are waited for. */
export function waitMember(turn: string, waiterId: string, { name, count }: WantedPlaces): string {
	return `wait ${turn} ${waiterId} ${name} ${count}`;
}

/**
 * Both scripts begin with this. The first argument is the `since` of the caller's places, empty where it has none that count. Where Redis
 * has lost them nothing is granted until all who hold places have noticed, and what was sent does not count any more.
 */
const BEGIN = `${REDIS_NOW}
local key = KEYS[1]
redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
local since = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf')[1]
if not since then
  since = string.format('since %.0f %s - -', now, ARGV[2])
  redis.call('ZADD', key, '+inf', since)
end
if ARGV[1] ~= '' and ARGV[1] ~= since then redis.call('ZADD', key, now + ${LEASE_MS}, 'pause - - - -') end
redis.call('PEXPIRE', key, ${KEY_LIFE_MS})`;

/**
 * Takes all the places that a request wants, or none. Where they are taken until a time that is known (by requests that were sent), they are
 * granted for that time, so that its beginning need not be noticed first. Arguments: `since`, the request's ID, the waiter's, and name,
 * count and limit of each kind. Replies with 1 (granted) or 0, the milliseconds after which they may be used or are to be
 * requested again, `since`, and the waiter's turn.
 */
export const TAKE_PLACES = `${BEGIN}
local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
local found, turn, free_at, is_sure = {}, string.format('%.0f', now), now, true
for i = 1, #members, 2 do
  local kind, first, second, name, count = string.match(members[i], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  local at = tonumber(members[i + 1])
  if kind == 'wait' and second == ARGV[3] then
    turn = first
    redis.call('ZREM', key, members[i])
  elseif kind == 'pause' then
    free_at = at
    is_sure = false
  elseif kind == 'wait' or kind == 'sent' or kind == 'held' and first ~= ARGV[2] then
    table.insert(found, { kind = kind, turn = first, waiter = second, name = name, count = tonumber(count), at = at })
  end
end
for i = 4, #ARGV, 3 do
  local name, missing, at = ARGV[i], ARGV[i + 1] - ARGV[i + 2], now
  for _, other in ipairs(found) do
    local is_first = other.kind ~= 'wait' or other.turn < turn or other.turn == turn and other.waiter < ARGV[3]
    if other.name == name and is_first then missing = missing + other.count end
  end
  for _, other in ipairs(found) do
    if missing > 0 and other.name == name and other.kind ~= 'wait' then
      missing = missing - other.count
      at = other.at
      if other.kind == 'held' then
        at = math.min(at, now + ${ARRIVAL_POLL_MS})
        is_sure = false
      end
    end
  end
  local may_be_sooner = missing > 0 or ${[...CONNECTIONS].map((name) => `name == '${name}'`).join(' or ')}
  if may_be_sooner and (missing > 0 or at > now) then
    at = now + ${POLL_MS}
    is_sure = false
  end
  free_at = math.max(free_at, at)
end
for i = 4, #ARGV, 3 do
  local what = ARGV[i] .. ' ' .. ARGV[i + 1]
  if free_at > now and not is_sure then
    redis.call('ZADD', key, free_at + ${TURN_GRACE_MS}, 'wait ' .. turn .. ' ' .. ARGV[3] .. ' ' .. what)
  else
    redis.call('ZADD', key, now + ${LEASE_MS}, 'held ' .. ARGV[2] .. ' - ' .. what)
  end
end
return { is_sure and 1 or 0, free_at - now, since, turn }`;

/** When places expire that are held: now, a lease after now unless they are renewed again, or that number of milliseconds after now. */
export type Expiry = 'free' | 'renew' | number;

/**
 * Sets when places that are held expire. Arguments: `since`, an ID, an {@link Expiry}, and the members. Replies with `since` and those of
 * them that were not there any more.
 */
export const SET_EXPIRY = `${BEGIN}
local reply = { since }
for i = 4, #ARGV do
  if not redis.call('ZSCORE', key, ARGV[i]) then
    table.insert(reply, ARGV[i])
  elseif ARGV[3] == 'renew' then
    redis.call('ZADD', key, now + ${LEASE_MS}, ARGV[i])
  else
    redis.call('ZREM', key, ARGV[i])
    if ARGV[3] ~= 'free' then
      redis.call('ZADD', key, now + ARGV[3], 'sent' .. string.sub(ARGV[i], 5))
    end
  end
end
return reply`;
