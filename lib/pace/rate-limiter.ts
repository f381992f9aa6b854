import Bottleneck from 'bottleneck';
import { unlessAborted } from '../abort.js';
import { InvalidOptionError } from '../errors.js';
import { type Clock, systemClock } from './clock.js';

/** What a request costs. */
export interface RequestCost {
	/** GetMediaForFragmentList calls. */
	readonly calls: number;
}

/** The right to send one request. Exactly one of its methods must be called. */
export interface Permit {
	/** The request goes out now: the permit is held from here on for as long as the quota counts it. */
	readonly sent: () => void;
	/** The request is not sent after all. */
	readonly cancel: () => void;
}

/** Answers one question: may a request start now. Shared by everything that spends the same quota. */
export interface RateLimiter {
	/** Waits for a permit, first come first served. Rejects with the signal's reason when it is aborted. */
	acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit>;
}

/** The quota a {@link createRateLimiter} keeps. */
export interface RateLimiterOptions {
	/** Requests in any rolling second. @default 5 */
	readonly callsPerSecond?: number;
	readonly clock?: Clock;
}

/** GetMediaForFragmentList calls a second and stream (developer guide, service quotas). */
const CALLS_PER_SECOND = 5;

/**
 * How long a permit is held after its request went out, in milliseconds. A second, and what requests may bunch up on
 * their way: the service counts where they arrive. With 1,010 ms six were once seen in a second.
 */
const HOLD_MS = 1050;

/**
 * A limiter of calls in any rolling second: as many permits as calls, each held for a second after its use. Bottleneck's
 * own reservoir lets twice as many through at the turn of its interval, and `minTime` one more.
 */
export function createRateLimiter({
	callsPerSecond = CALLS_PER_SECOND,
	clock = systemClock,
}: RateLimiterOptions = {}): RateLimiter {
	if (!Number.isInteger(callsPerSecond) || callsPerSecond < 1) {
		throw new InvalidOptionError('callsPerSecond', 'an integer of at least 1', callsPerSecond);
	}
	const bottleneck = new Bottleneck({ maxConcurrent: callsPerSecond });
	return {
		async acquire(cost, signal) {
			const permits = Array.from({ length: cost.calls }, () => acquireOne(bottleneck, clock));
			const all = Promise.all(permits);
			try {
				const granted = await (signal === undefined ? all : unlessAborted(all, signal));
				return {
					sent: () => {
						for (const permit of granted) permit.sent();
					},
					cancel: () => {
						for (const permit of granted) permit.cancel();
					},
				};
			} catch (error) {
				for (const permit of permits) permit.then((granted) => granted.cancel()).catch(() => {});
				throw error;
			}
		},
	};
}

function acquireOne(bottleneck: Bottleneck, clock: Clock): Promise<Permit> {
	return new Promise((resolve, reject) => {
		const hold = (): Promise<void> =>
			new Promise((free) => {
				resolve({ sent: () => void clock.sleep(HOLD_MS, { isBackground: true }).then(free), cancel: free });
			});
		bottleneck.schedule(hold).catch(reject);
	});
}

const shared = new Map<string, RateLimiter>();

/** The process's limiter for a key: everyone who names the same endpoint, region and stream gets the same one. */
export function sharedRateLimiter(key: string): RateLimiter {
	let limiter = shared.get(key);
	if (limiter === undefined) {
		limiter = createRateLimiter();
		shared.set(key, limiter);
	}
	return limiter;
}
