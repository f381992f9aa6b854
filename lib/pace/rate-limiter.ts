import Bottleneck from 'bottleneck/light.js';
import { unlessAborted } from '../stream/abort.js';
import { type Clock, keepAlive, systemClock } from './clock.js';
import {
	CONNECTIONS,
	HOLD_MS,
	PLACES_IN_ORDER,
	type PlaceName,
	type Places,
	placesOf,
} from './quota-places.js';
import type { Quotas } from './quotas.js';
import { ResponseTimes } from './response-times.js';

/** What a request costs. An absent field costs nothing. */
export interface RequestCost {
	/** GetMediaForFragmentList calls. */
	readonly calls?: number;
	/** Fragments whose media is requested. */
	readonly mediaPoints?: number;
	/** MaxResults of a ListFragments call; fragments of a clip. */
	readonly metadataPoints?: number;
	/** GetMediaForFragmentList responses that stay open until `closed` is called. */
	readonly connections?: number;
	/** GetMedia calls. */
	readonly liveCalls?: number;
	/** GetMedia responses that stay open until `closed` is called. */
	readonly liveConnections?: number;
	/** Goes before every request that waits without it. @default false */
	readonly isUrgent?: boolean;
}

/** The right to send one request. `sent` and, where the cost has a connection, `closed` must be called; or `cancel`. */
export interface Permit {
	/**
	 * The request goes out now: from here on the quotas count it, for as long as they look back. `response` settles when its response
	 * has begun or it has failed: it has arrived by then, so that what held it up on its way cannot make requests bunch up.
	 */
	readonly sent: (response?: Promise<unknown>) => void;
	/** The response has ended. */
	readonly closed: () => void;
	/** The request is not sent after all. */
	readonly cancel: () => void;
	/**
	 * Aborted where the permit is lost before `closed` (a lease that expired in a shared store): the response must be given
	 * up, as others may use its place. Absent where permits cannot be lost.
	 */
	readonly lost?: AbortSignal;
}

/** Decides when a request may start. Shared by everything that spends the same quotas. */
export interface RateLimiter {
	/** Waits for a permit, first come first served. Rejects with the signal's reason when it is aborted. */
	acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit>;
	/**
	 * The limiter of one stream, where one object limits several: `KvsArchive` and `MediaFetcher` use what it returns. `key` resolves
	 * with the endpoint, the region and the stream's name (`ArchiveClient.quotaKey`). Absent where the object itself is the limiter.
	 */
	forStream?(key: () => Promise<string>): RateLimiter;
}

/** Bottleneck's priorities: 0 is the highest of 0 to 9. */
const URGENT = 0;
const USUAL = 5;

/** A share of one quota, until it is given back. */
interface Grant {
	/** Gives it back after that time, in milliseconds. */
	readonly freeAfter: (ms: number) => void;
	readonly free: () => void;
}

/**
 * A limiter that keeps the service's quotas in any rolling second: each is a Bottleneck with as many places as the quota
 * allows, and what a request takes of them is held for a second after it has arrived, as far as that is known. Bottleneck's own reservoir lets twice
 * as many through at the turn of its interval, and `minTime` one more.
 */
export function createRateLimiter(
	quotas: Partial<Quotas> = {},
	{ clock = systemClock }: { readonly clock?: Clock } = {},
): RateLimiter {
	return new QuotaLimiter(quotas, clock);
}

/** The limiter of {@link createRateLimiter}; its quotas can be changed while it is used. */
export class QuotaLimiter implements RateLimiter {
	readonly #clock: Clock;
	readonly #limits: Readonly<Record<PlaceName, Bottleneck>>;
	readonly #responses: ResponseTimes;
	#most: Places;

	constructor(quotas: Partial<Quotas> = {}, clock: Clock = systemClock) {
		this.#clock = clock;
		this.#responses = new ResponseTimes(clock);
		this.#most = placesOf(quotas);
		const limitOf = (name: PlaceName): Bottleneck => new Bottleneck({ maxConcurrent: this.#most[name] });
		this.#limits = {
			connections: limitOf('connections'),
			metadataPoints: limitOf('metadataPoints'),
			mediaPoints: limitOf('mediaPoints'),
			calls: limitOf('calls'),
			liveConnections: limitOf('liveConnections'),
			liveCalls: limitOf('liveCalls'),
		};
	}

	/** Changes the quotas from here on; permits that were given stay. */
	configure(quotas: Partial<Quotas>): void {
		this.#most = placesOf(quotas);
		for (const name of PLACES_IN_ORDER)
			this.#limits[name].updateSettings({ maxConcurrent: this.#most[name] });
	}

	/** As {@link RateLimiter} says. */
	async acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit> {
		signal?.throwIfAborted();
		// Held permits do not keep a process alive that is done; one that waits for a permit is not.
		const release = keepAlive(this.#clock);
		const grants = new Map<PlaceName, Grant>();
		const cancel = (): void => {
			for (const grant of grants.values()) grant.free();
		};
		try {
			await this.#acquireAll(cost, grants, signal);
		} catch (error) {
			cancel();
			throw error;
		} finally {
			release();
		}
		return {
			sent: (response) => {
				const counted = [...grants].filter(([name]) => !CONNECTIONS.has(name));
				const freeAfter = (ms: number): void => {
					for (const [, grant] of counted) grant.freeAfter(ms);
				};
				if (response === undefined) freeAfter(HOLD_MS);
				else void this.#responses.leftMs([...grants.keys()].join('+'), response).then(freeAfter);
			},
			closed: () => {
				for (const name of CONNECTIONS) grants.get(name)?.free();
			},
			cancel,
		};
	}

	async #acquireAll(
		cost: RequestCost,
		grants: Map<PlaceName, Grant>,
		signal: AbortSignal | undefined,
	): Promise<void> {
		for (const name of PLACES_IN_ORDER) {
			// A request that costs more than a whole second's quota goes when nothing else counts.
			const weight = Math.min(cost[name] ?? 0, this.#most[name]);
			if (weight === 0) continue;
			const granted = this.#take(name, weight, cost.isUrgent ? URGENT : USUAL);
			try {
				grants.set(name, await (signal === undefined ? granted : unlessAborted(granted, signal)));
			} catch (error) {
				// The grant may still come after the wait was given up.
				granted.then((late) => late.free()).catch(() => {});
				throw error;
			}
		}
	}

	#take(name: PlaceName, weight: number, priority: number): Promise<Grant> {
		return new Promise((resolve, reject) => {
			const job = (): Promise<void> =>
				new Promise((free) => {
					const freeAfter = (ms: number): void =>
						void this.#clock.sleep(ms, { isBackground: true }).then(free);
					resolve({ freeAfter, free });
				});
			this.#limits[name].schedule({ weight, priority }, job).catch(reject);
		});
	}
}
