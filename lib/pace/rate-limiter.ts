import Bottleneck from 'bottleneck';
import { unlessAborted } from '../stream/abort.js';
import { type Clock, systemClock } from './clock.js';
import { type Quotas, resolveQuotas } from './quotas.js';

/** What a request costs. What is not said costs nothing. */
export interface RequestCost {
	/** GetMediaForFragmentList calls. */
	readonly calls?: number;
	/** Fragments whose media is asked for. */
	readonly mediaPoints?: number;
	/** MaxResults of a ListFragments call. */
	readonly metadataPoints?: number;
	/** Responses that stay open until `closed` is called. */
	readonly connections?: number;
	/** Goes before everything that waits without it: what it is for has waited already. @default false */
	readonly isUrgent?: boolean;
}

/** The right to send one request. `sent` and, where a connection was asked for, `closed` must be called, or `cancel`. */
export interface Permit {
	/** The request goes out now: from here on the quotas count it, for as long as they look back. */
	readonly sent: () => void;
	/** The response is over. */
	readonly closed: () => void;
	/** The request is not sent after all. */
	readonly cancel: () => void;
}

/** Answers one question: may a request start now. Shared by everything that spends the same quotas. */
export interface RateLimiter {
	/** Waits for a permit, first come first served. Rejects with the signal's reason when it is aborted. */
	acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit>;
}

/**
 * How long a request counts, in milliseconds. A second, and what requests may bunch up on their way: the service counts
 * where they arrive. With 1,010 ms six calls were once seen in a second.
 */
const HOLD_MS = 1050;

/** Longer than any wait, and the longest a timer can be. */
const AWAKE_MS = 2 ** 31 - 1;

/** Bottleneck's priorities: 0 is the highest of 0 to 9. */
const URGENT = 0;
const USUAL = 5;

/** What is given out by one quota, until it is given back. */
interface Grant {
	/** Gives it back when it has counted for long enough. */
	readonly hold: () => void;
	readonly free: () => void;
}

/**
 * A limiter that keeps the service's quotas in any rolling second: each is a Bottleneck with as many places as the quota
 * allows, and what a request takes of them is held for a second after it went out. Bottleneck's own reservoir lets twice
 * as many through at the turn of its interval, and `minTime` one more.
 */
export function createRateLimiter(
	quotas: Partial<Quotas> = {},
	{ clock = systemClock }: { readonly clock?: Clock } = {},
): RateLimiter {
	const { callsPerSecond, mediaPointsPerSecond, metadataPointsPerSecond, connections } =
		resolveQuotas(quotas);
	const limits = {
		connections: new Bottleneck({ maxConcurrent: connections }),
		metadataPoints: new Bottleneck({ maxConcurrent: metadataPointsPerSecond }),
		mediaPoints: new Bottleneck({ maxConcurrent: mediaPointsPerSecond }),
		calls: new Bottleneck({ maxConcurrent: callsPerSecond }),
	};
	const largest = {
		connections,
		metadataPoints: metadataPointsPerSecond,
		mediaPoints: mediaPointsPerSecond,
		calls: callsPerSecond,
	};

	/** One quota after the other, so that nothing scarce is held while something else is waited for. */
	async function acquireAll(
		cost: RequestCost,
		grants: Map<string, Grant>,
		signal: AbortSignal | undefined,
	): Promise<void> {
		for (const name of ['connections', 'metadataPoints', 'mediaPoints', 'calls'] as const) {
			// A request that costs more than a whole second's quota goes when nothing else counts.
			const weight = Math.min(cost[name] ?? 0, largest[name]);
			if (weight === 0) continue;
			const granted = take(limits[name], weight, cost.isUrgent ? URGENT : USUAL, clock);
			try {
				grants.set(name, await (signal === undefined ? granted : unlessAborted(granted, signal)));
			} catch (error) {
				// What was waited for may still come, to nobody.
				granted.then((late) => late.free()).catch(() => {});
				throw error;
			}
		}
	}

	return {
		async acquire(cost, signal) {
			signal?.throwIfAborted();
			// Held permits do not keep a process alive that is done; one that waits for a permit is not.
			const awake = new AbortController();
			clock.sleep(AWAKE_MS, { signal: awake.signal }).catch(() => {});
			const grants = new Map<string, Grant>();
			const cancel = (): void => {
				for (const grant of grants.values()) grant.free();
			};
			try {
				await acquireAll(cost, grants, signal);
			} catch (error) {
				cancel();
				throw error;
			} finally {
				awake.abort();
			}
			return {
				sent: () => {
					for (const [name, grant] of grants) if (name !== 'connections') grant.hold();
				},
				closed: () => grants.get('connections')?.free(),
				cancel,
			};
		},
	};
}

function take(bottleneck: Bottleneck, weight: number, priority: number, clock: Clock): Promise<Grant> {
	return new Promise((resolve, reject) => {
		const job = (): Promise<void> =>
			new Promise((free) => {
				const hold = (): void => void clock.sleep(HOLD_MS, { isBackground: true }).then(free);
				resolve({ hold, free });
			});
		bottleneck.schedule({ weight, priority }, job).catch(reject);
	});
}

const shared = new Map<string, RateLimiter>();

/** The process's limiter for a key: everyone who names the same endpoint, region and stream gets the same one. */
export function sharedRateLimiter(key: string, quotas: Partial<Quotas> = {}): RateLimiter {
	const fullKey = `${key} ${JSON.stringify(resolveQuotas(quotas))}`;
	let limiter = shared.get(fullKey);
	if (limiter === undefined) {
		limiter = createRateLimiter(quotas);
		shared.set(fullKey, limiter);
	}
	return limiter;
}
