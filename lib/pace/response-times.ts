import type { Clock } from './clock.js';
import { HOLD_MS } from './quota-places.js';

/** How long a request counts after the latest time at which it can have arrived, in milliseconds: a second, and what clocks round. */
const COUNTED_MS = 1020;

/** How many responses must have come before the fastest is taken for one that nothing held up. */
const MIN_RESPONSES = 10;

/** Responses of one kind that have come. */
interface Seen {
	count: number;
	fastestMs: number;
}

/**
 * When requests of one process have arrived at the latest. The service counts where they arrive, and a busy machine or network may
 * hold them up on their way: requests that go out a second apart arrive at once then. A request has arrived before its
 * response comes, and before that by at least what the fastest response took.
 */
export class ResponseTimes {
	readonly #clock: Clock;
	readonly #seen = new Map<string, Seen>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/**
	 * For how long a request that goes out now, and whose response has come when this resolves, counts from then on, in milliseconds.
	 * @param kind - responses of one kind take about as long as each other
	 * @param response - settles when the response is there, or the request has failed
	 */
	async leftMs(kind: string, response: Promise<unknown>): Promise<number> {
		const sentAtMs = this.#clock.now();
		try {
			await response;
		} catch {
			// One that was refused, or did not arrive, says nothing of the others.
			return HOLD_MS;
		}
		const tookMs = this.#clock.now() - sentAtMs;
		const { count, fastestMs } = this.#seen.get(kind) ?? { count: 0, fastestMs: tookMs };
		const seen: Seen = { count: count + 1, fastestMs: Math.min(fastestMs, tookMs) };
		this.#seen.set(kind, seen);
		return Math.max(0, COUNTED_MS - (seen.count > MIN_RESPONSES ? seen.fastestMs : 0));
	}
}
