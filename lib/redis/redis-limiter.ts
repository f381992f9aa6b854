import { ArchiveError, InvalidOptionError } from '../errors.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { placesOf } from '../pace/quota-places.js';
import type { Quotas } from '../pace/quotas.js';
import type { Permit, RateLimiter, RequestCost } from '../pace/rate-limiter.js';
import { whatHasCome } from '../stream/abort.js';
import { QuotaTable } from './quota-table.js';
import { RedisConnection, type RedisServer } from './redis-connection.js';
import { StreamLimiter } from './stream-limiter.js';

const DEFAULT_KEY_PREFIX = 'kvs-archive:quota:';

/** Errors that Redis replies with and that pass: it loads its data, fails over, is full or busy. */
const PASSING =
	/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|MISCONF|NOREPLICAS|OOM|ERR max number of clients)\b/;

/** A client of the caller's that it closed, or that will not connect again. */
const CLOSED_CLIENT = 'Connection is closed.';

const OPTION_NAMES: OptionNames<RedisLimiterOptions> = {
	url: true,
	client: true,
	quotas: true,
	key: true,
	keyPrefix: true,
	onUnreachable: true,
	clock: true,
};

/** Options of {@link createRedisLimiter}: `url` or `client`. */
export interface RedisLimiterOptions extends RedisServer {
	/**
	 * The quotas of each stream, where they are not the service's usual ones. Everyone who shares a stream should give the same:
	 * each keeps to its own over what all use together, so that who gives less leaves the rest to the others.
	 */
	readonly quotas?: Partial<Quotas> | undefined;
	/** Names what has the quotas. @default the endpoint, the region and the stream of each archive that the limiter is given to */
	readonly key?: string | undefined;
	/** What stands before that in the name of the key. @default 'kvs-archive:quota:' */
	readonly keyPrefix?: string | undefined;
	/**
	 * Called when requests begin to wait because Redis cannot be reached, once until it is reached again. The message says where
	 * Redis is, without credentials, and what happened.
	 */
	readonly onUnreachable?: ((trouble: Error) => void) | undefined;
	/** The source of time. @default the machine's */
	readonly clock?: Clock | undefined;
}

/** The limiter of {@link createRedisLimiter}. */
export interface RedisLimiter extends RateLimiter, AsyncDisposable {
	/** As {@link RateLimiter} says; rejects with `InvalidOptionError` where neither an archive nor `key` says for which stream. */
	acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit>;
	forStream(key: () => Promise<string>): RateLimiter;
	/** Closes the connection that was made here. What waits rejects with `KVS_CLOSED`, and every further call. */
	close(): Promise<void>;
}

/**
 * A limiter whose quotas any number of processes share, on one Redis (5 or later) or Valkey, also in cluster mode. One is enough for all archives of
 * a process: `new KvsArchive({ streamName, limiter })`. Needs the package `ioredis`.
 *
 * Calls, points and open responses of a stream are counted in any rolling second by the clock of Redis. A permit is a lease of
 * 2.5 s, which is renewed while its response downloads: what a process held that was killed is free after that time. A permit that
 * was not renewed, because the process was suspended or Redis was unreachable or has lost its data, aborts `Permit.lost` (`KVS_PERMIT_LOST`),
 * and its response is requested again. While Redis is unreachable requests wait. One that comes back empty grants nothing for 2.5 s.
 *
 * `acquire` rejects with `KVS_PEER_MISSING`, and with `KVS_LIMITER_FAILED` where Redis refuses the commands: a wrong password, or
 * missing rights (a user needs EVAL, TIME, PEXPIRE and the commands of sorted sets for keys that begin with `keyPrefix`).
 * Throws `InvalidOptionError`. Nothing is connected before a permit is wanted, and what is held keeps no process alive.
 */
export function createRedisLimiter(options: RedisLimiterOptions): RedisLimiter {
	checkOptionNames(options, OPTION_NAMES);
	const {
		url,
		client,
		quotas,
		key,
		keyPrefix = DEFAULT_KEY_PREFIX,
		onUnreachable,
		clock = systemClock,
	} = options;
	const places = placesOf(quotas ?? {});
	const connection = new RedisConnection({ url, client });
	const closing = new AbortController();
	const closed = new AbortController();
	let isAway = false;

	const limiterOf = (name: string): StreamLimiter =>
		new StreamLimiter({
			table: new QuotaTable({ connection, key: keyPrefix + name, clock, closed: closed.signal }),
			places,
			clock,
			onReply: () => {
				isAway = false;
			},
			onFailure: (cause) => {
				if (cause instanceof ArchiveError) throw cause;
				const { name: kind, message } = cause as Error;
				if ((kind === 'ReplyError' && !PASSING.test(message)) || message === CLOSED_CLIENT) {
					const said = `the limiter in ${connection.name} cannot be used: ${message}`;
					throw new ArchiveError('KVS_LIMITER_FAILED', said, { cause });
				}
				if (isAway) return;
				isAway = true;
				onUnreachable?.(new Error(`waiting for ${connection.name}: ${message}`, { cause }));
			},
		});

	const forStream = (keyOf: () => Promise<string>): RateLimiter => {
		let limiter: Promise<StreamLimiter> | null = null;
		return {
			async acquire(cost, signal) {
				closing.signal.throwIfAborted();
				limiter ??= keyOf().then(limiterOf);
				const ends = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
				return (await limiter).acquire(cost, ends);
			},
		};
	};

	const close = async (): Promise<void> => {
		const reason = new ArchiveError('KVS_CLOSED', `the limiter in ${connection.name} was closed`);
		closing.abort(reason);
		// What is given back by now goes out first.
		await whatHasCome();
		closed.abort(reason);
		await connection.close();
	};

	const unbound = forStream(async () => {
		if (key !== undefined) return key;
		throw new InvalidOptionError('key', 'given where the limiter is used without an archive', key);
	});
	return {
		acquire: (cost, signal) => unbound.acquire(cost, signal),
		forStream: (keyOf) => (key === undefined ? forStream(keyOf) : unbound),
		close,
		[Symbol.asyncDispose]: close,
	};
}
