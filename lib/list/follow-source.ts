import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import type { Fragment } from '../model/fragment.js';
import type { RetryPolicy } from '../pace/retry.js';
import { destroyOnAbort } from '../stream/abort.js';
import { Source } from '../stream/source.js';
import { FragmentSource } from './fragment-source.js';
import { checkRetention, checkRetentionInTurn } from './retention-check.js';

/** Between two listings while fragments come, and the longest while none do, in milliseconds. */
const POLL_INTERVAL_MS = 1000;
const MAX_POLL_INTERVAL_MS = 5000;
const INTERVAL_GROWTH = 1.5;

/** Between two listings while fragments come by another way, which they are to complete, in milliseconds. */
const FILL_INTERVAL_MS = 10_000;

/** Between two looks whether the stream keeps anything, while nothing is listed, in milliseconds. */
const RETENTION_INTERVAL_MS = 60_000;

/**
 * How far each listing looks back before the newest fragment, in milliseconds: a listing is eventually consistent, and a
 * fragment that began early may end late. What is listed later than that is not noticed.
 */
export const LOOK_BACK_MS = 120_000;

/**
 * How far the service's clock may be ahead of ours, or slow, and its newest fragments still be listed at once: it refuses
 * clients that are five minutes off. Together no more than one call lists (`FIRST_WINDOW_MS`).
 */
const MAX_AHEAD_MS = 4 * 60_000;
const MAX_BEHIND_MS = 10 * 60_000;

/** A fragment lasts 20 seconds at most, and is listed when it has ended. */
const MAX_LISTED_AFTER_MS = 30_000;

/** What a {@link FollowSource} has seen when it has caught up. */
export interface CaughtUp {
	/** How many fragments have been given out in all. */
	readonly given: number;
	/** Server time of the newest, epoch milliseconds; null before the first. */
	readonly newestMs: number | null;
	/** When the last listing that came to its end was begun, epoch milliseconds. */
	readonly lookedAtMs: number;
}

/** Options of {@link FollowSource}. */
export interface FollowSourceOptions extends ServiceContext {
	/** Server time from which on fragments are wanted, epoch milliseconds. */
	readonly fromMs: number;
	/** Fragments from there on that are not wanted: their numbers and server times. */
	readonly done: ReadonlyMap<string, number>;
	/** Server time of the last fragment that is wanted, epoch milliseconds; Infinity: without end. */
	readonly untilMs: number;
	/**
	 * Whether fragments come by another way too, which {@link FollowSource.claim} is called for: then, once it has caught up, it
	 * lists less often and gives out only what was listed twice and has not come.
	 */
	readonly isFill: boolean;
	/** Whether the first listing is the last that is wanted: once it is over, all is listed. */
	readonly isListedOnce: boolean;
	/** Called after each listing that brought nothing new, or was the only one; as a fill, whenever everything that is listed has come. */
	readonly onCaughtUp: (caughtUp: CaughtUp) => void;
	/** Called with what is about to be given out. */
	readonly onListed: (fragments: readonly Fragment[]) => void;
	/** Called with each fragment that is listed and came before. */
	readonly onListedAgain: (fragment: Fragment) => void;
	readonly onCall: (call: CallRecord) => void;
	/** How failed listings are retried. */
	readonly retryPolicy: RetryPolicy;
}

/**
 * The fragments of a stream from a server time on, and those that are yet to come, each once, by listing again and again; in
 * the order of the server's clock, but for those that are listed late. Looks less often while nothing comes. Ends with
 * `untilMs`, when a later fragment was listed or none can come any more. Rejects as {@link FragmentSource}, and with `KVS_NO_RETENTION`
 * where nothing is listed because the stream keeps nothing.
 */
export class FollowSource extends Source<Fragment> {
	readonly #options: FollowSourceOptions;
	/** Server times of the fragments that were given out or are not wanted, as far back as listings look, by number. */
	readonly #seen: Map<string, number>;
	#newestMs: number | null = null;
	/** When the last listing that came to its end was begun, epoch milliseconds. */
	#lookedAtMs = Number.NEGATIVE_INFINITY;
	#given = 0;
	/** When it was last looked whether the stream keeps anything, epoch milliseconds. */
	#retentionAtMs = Number.NEGATIVE_INFINITY;
	/** Whether what is listed is left to the other way first. */
	#isFilling = false;
	/** What was listed once and has not come. */
	#awaited = new Set<string>();

	constructor(options: FollowSourceOptions) {
		super({ readableHighWaterMark: 1 });
		this.#options = options;
		this.#seen = new Map(options.done);
		for (const serverMs of options.done.values())
			this.#newestMs = Math.max(this.#newestMs ?? serverMs, serverMs);
	}

	/** Whether the fragments that come from now on are left to the other way. */
	get isFilling(): boolean {
		return this.#isFilling;
	}

	/** Server time of the newest fragment that came or is not wanted, epoch milliseconds; null before the first. */
	get newestMs(): number | null {
		return this.#newestMs;
	}

	/** A fragment comes by another way. Whether it is wanted: then it is not given out here. */
	claim(fragmentNumber: string, serverMs: number): boolean {
		if (serverMs < this.#lookFromMs || serverMs > this.#options.untilMs) return false;
		if (this.#seen.has(fragmentNumber)) return false;
		this.#give(fragmentNumber, serverMs);
		if (this.#awaited.delete(fragmentNumber) && this.#awaited.size === 0) this.#sayCaughtUp();
		return true;
	}

	protected override async *produce(): AsyncGenerator<Fragment[]> {
		const { clock, untilMs, isFill, isListedOnce } = this.#options;
		let intervalMs = POLL_INTERVAL_MS;
		for (;;) {
			const lookedAtMs = clock.now();
			const before = this.#given;
			const missing = new Set<string>();
			let isPastEnd = lookedAtMs > untilMs + MAX_LISTED_AFTER_MS;
			let isEmpty = true;
			for await (const fragments of this.#list(lookedAtMs)) {
				isEmpty = false;
				const wanted = fragments.filter((fragment) => this.#isNew(fragment, missing));
				isPastEnd ||= fragments.some(({ serverTimestamp }) => serverTimestamp.getTime() > untilMs);
				if (wanted.length === 0) continue;
				this.#options.onListed(wanted);
				yield wanted;
			}
			this.#lookedAtMs = lookedAtMs;
			if (isEmpty) await this.#lookAtRetention(lookedAtMs);
			this.#awaited = new Set([...missing].filter((fragmentNumber) => !this.#seen.has(fragmentNumber)));
			if (isPastEnd && this.#awaited.size === 0) return;
			this.#forget();
			this.#isFilling ||= isFill && clock.now() - lookedAtMs < FILL_INTERVAL_MS;
			const isAllGiven = isListedOnce || this.#given === before;
			if (this.#isFilling ? this.#awaited.size === 0 : isAllGiven) this.#sayCaughtUp();
			intervalMs = this.#isFilling
				? FILL_INTERVAL_MS
				: this.#given > before
					? POLL_INTERVAL_MS
					: Math.min(MAX_POLL_INTERVAL_MS, intervalMs * INTERVAL_GROWTH);
			if (!isPastEnd) await clock.sleep(intervalMs, { signal: this.signal });
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

	/** It is only to say why nothing comes: what never ends does not wait for it. */
	async #lookAtRetention(nowMs: number): Promise<void> {
		const { client, onCall, isListedOnce } = this.#options;
		const call = { onCall, signal: this.signal };
		if (isListedOnce) return checkRetentionInTurn(client, nowMs, call);
		if (nowMs - this.#retentionAtMs < RETENTION_INTERVAL_MS) return;
		this.#retentionAtMs = nowMs;
		checkRetention(client, call).catch((error: Error) => this.destroy(error));
	}

	#isNew(fragment: Fragment, missing: Set<string>): boolean {
		const { fragmentNumber, serverTimestamp } = fragment;
		const serverMs = serverTimestamp.getTime();
		if (serverMs > this.#options.untilMs) return false;
		if (this.#seen.has(fragmentNumber)) {
			this.#see(fragmentNumber, serverMs);
			this.#options.onListedAgain(fragment);
			return false;
		}
		if (this.#isFilling && !this.#awaited.has(fragmentNumber)) {
			missing.add(fragmentNumber);
			return false;
		}
		this.#give(fragmentNumber, serverMs);
		return true;
	}

	#give(fragmentNumber: string, serverMs: number): void {
		this.#see(fragmentNumber, serverMs);
		this.#given++;
	}

	#see(fragmentNumber: string, serverMs: number): void {
		this.#seen.set(fragmentNumber, serverMs);
		this.#newestMs = Math.max(this.#newestMs ?? serverMs, serverMs);
	}

	#sayCaughtUp(): void {
		const { onCaughtUp } = this.#options;
		onCaughtUp({ given: this.#given, newestMs: this.#newestMs, lookedAtMs: this.#lookedAtMs });
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
