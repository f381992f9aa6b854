import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import type { Fragment } from '../model/fragment.js';
import type { RetryPolicy } from '../pace/retry.js';
import { destroyOnAbort } from '../stream/abort.js';
import { Source } from '../stream/source.js';
import { FragmentSource } from './fragment-source.js';

/** Between two listings while fragments come, and the longest while none do, in milliseconds. */
const POLL_INTERVAL_MS = 1000;
const MAX_POLL_INTERVAL_MS = 5000;
const INTERVAL_GROWTH = 1.5;

/**
 * How far each listing looks back before the newest fragment, in milliseconds: a listing is eventually consistent, and a
 * fragment that began early may end late. What is listed later than that is not noticed.
 */
export const LOOK_BACK_MS = 120_000;

/**
 * How far the service's clock may be ahead of ours, or behind, and its newest fragments still be listed at once: it refuses
 * clients that are five minutes off. Together no more than one call lists (`FIRST_WINDOW_MS`).
 */
const MAX_AHEAD_MS = 4 * 60_000;
const MAX_BEHIND_MS = 10 * 60_000;

/** A fragment lasts 20 seconds at most, and is listed when it has ended. */
const MAX_LISTED_AFTER_MS = 30_000;

/** What a {@link FollowSource} has seen when it has caught up. */
export interface CaughtUp {
	/** How many fragments it has given out in all. */
	readonly given: number;
	/** Server time of the newest, epoch milliseconds; null before the first. */
	readonly newestMs: number | null;
}

/** Options of {@link FollowSource}. */
export interface FollowSourceOptions extends ServiceContext {
	/** Server time from which on fragments are wanted, epoch milliseconds. */
	readonly fromMs: number;
	/** Fragments from there on that are not wanted: their numbers and server times. */
	readonly done: ReadonlyMap<string, number>;
	/** Server time of the last fragment that is wanted, epoch milliseconds; Infinity: without end. */
	readonly untilMs: number;
	/** Called after each listing that brought nothing new. */
	readonly onCaughtUp: (caughtUp: CaughtUp) => void;
	/** Called with what is about to be given out. */
	readonly onListed: (fragments: readonly Fragment[]) => void;
	readonly onCall: (call: CallRecord) => void;
	/** How failed listings are retried. */
	readonly retryPolicy: RetryPolicy;
}

/**
 * The fragments of a stream from a server time on, and those that are yet to come, each once, by listing again and again; in
 * the order of the server's clock, but for those that are listed late. Looks less often while nothing comes. Ends with
 * `untilMs`, when a later fragment was listed or none can come any more. Rejects as {@link FragmentSource}.
 */
export class FollowSource extends Source<Fragment> {
	readonly #options: FollowSourceOptions;
	/** Server times of the fragments that were given out or are not wanted, as far back as listings look, by number. */
	readonly #seen: Map<string, number>;
	#newestMs: number | null = null;
	/** When the last listing that came to its end was begun, epoch milliseconds. */
	#lookedAtMs = Number.NEGATIVE_INFINITY;
	#given = 0;

	constructor(options: FollowSourceOptions) {
		super({ readableHighWaterMark: 1 });
		this.#options = options;
		this.#seen = new Map(options.done);
	}

	protected override async *produce(): AsyncGenerator<Fragment[]> {
		const { clock, untilMs, onCaughtUp } = this.#options;
		let intervalMs = POLL_INTERVAL_MS;
		for (;;) {
			const lookedAtMs = clock.now();
			const before = this.#given;
			let isPastEnd = lookedAtMs > untilMs + MAX_LISTED_AFTER_MS;
			for await (const fragments of this.#list(lookedAtMs)) {
				const wanted = fragments.filter((fragment) => this.#isNew(fragment));
				isPastEnd ||= fragments.some(({ serverTimestamp }) => serverTimestamp.getTime() > untilMs);
				if (wanted.length === 0) continue;
				this.#options.onListed(wanted);
				yield wanted;
			}
			this.#lookedAtMs = lookedAtMs;
			if (this.#given === before) onCaughtUp({ given: this.#given, newestMs: this.#newestMs });
			if (isPastEnd) return;
			this.#forget();
			intervalMs =
				this.#given > before
					? POLL_INTERVAL_MS
					: Math.min(MAX_POLL_INTERVAL_MS, intervalMs * INTERVAL_GROWTH);
			await clock.sleep(intervalMs, { signal: this.signal });
		}
	}

	/** What is listed from as far back as anything new may lie. */
	async *#list(nowMs: number): AsyncGenerator<Fragment[]> {
		const { client, limiter, clock, onCall, retryPolicy } = this.#options;
		const to = Math.max(nowMs, this.#lookFromMs) + MAX_AHEAD_MS;
		const range = { from: this.#lookFromMs, to, by: 'server' } as const;
		const source = new FragmentSource({ client, limiter, clock, range, onCall, retryPolicy });
		destroyOnAbort(source, this.signal);
		yield* source.batches();
	}

	#isNew({ fragmentNumber, serverTimestamp }: Fragment): boolean {
		const serverMs = serverTimestamp.getTime();
		if (serverMs > this.#options.untilMs) return false;
		const isSeen = this.#seen.has(fragmentNumber);
		this.#seen.set(fragmentNumber, serverMs);
		this.#newestMs = Math.max(this.#newestMs ?? serverMs, serverMs);
		if (isSeen) return false;
		this.#given++;
		return true;
	}

	get #lookFromMs(): number {
		const newestMs = this.#newestMs ?? Number.NEGATIVE_INFINITY;
		return Math.max(this.#options.fromMs, newestMs - LOOK_BACK_MS, this.#lookedAtMs - MAX_BEHIND_MS);
	}

	#forget(): void {
		const beforeMs = this.#lookFromMs;
		for (const [number, serverMs] of this.#seen) if (serverMs < beforeMs) this.#seen.delete(number);
	}
}
