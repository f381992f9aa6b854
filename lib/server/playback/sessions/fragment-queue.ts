import { type Snapshot, startOn } from '../../store/fragment-index.js';
import type { LocalStream } from '../../store/local-stream.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { compareServerTimes, playedFragments } from './playback-order.js';
import type { SessionRequest } from './session-request.js';

/** A live session takes no stream whose newest fragment is older than this. */
const LIVE_MS = 30_000;

/** What is to be listed next. */
export interface DueFragments {
	/** In order. */
	readonly fragments: readonly StoredFragment[];
	/** The one that will be listed after them, where it is there already. */
	readonly following: StoredFragment | null;
}

/** The fragments of a session that are still to be listed. */
export interface FragmentQueue {
	/** What is to be listed next; the same again until it is {@link listed}. `nowMs` is the archive's clock. */
	take(nowMs: number): DueFragments;
	/** Those fragments are listed; and how long the last of them lasts, in milliseconds. */
	listed(fragments: readonly StoredFragment[], lastDurationMs: number): void;
	/** Whether nothing can come any more. */
	isComplete(nowMs: number): boolean;
}

/** The queue of a session that begins now. */
export function fragmentQueue(request: SessionRequest, stream: LocalStream, nowMs: number): FragmentQueue {
	if (request.mode === 'LIVE') return new LiveQueue(request, stream);
	if (request.mode === 'LIVE_REPLAY') return new ReplayQueue(request, stream, nowMs);
	return new OnDemandQueue(request, stream, nowMs);
}

/** ON_DEMAND: the oldest fragments of the range, once. */
class OnDemandQueue implements FragmentQueue {
	#fragments: StoredFragment[];

	constructor(request: SessionRequest, stream: LocalStream, nowMs: number) {
		const fragments = inRange(request, stream, stream.snapshot(nowMs));
		this.#fragments = playedFragments(request.clock, fragments).slice(0, request.maxFragments);
	}

	take(): DueFragments {
		return { fragments: this.#fragments, following: null };
	}

	listed(): void {
		this.#fragments = [];
	}

	isComplete(): boolean {
		return true;
	}
}

/**
 * LIVE: the newest fragments, and then those that come in. One that is older than the newest listed one, by the server's
 * clock, is never listed; nor, on the producer's clock, one with the timestamp of another.
 *
 * A fragment whose server time is yet to come is not there yet: a recording that was ingested ahead of time plays live.
 */
class LiveQueue implements FragmentQueue {
	readonly #request: SessionRequest;
	readonly #stream: LocalStream;
	#newest: StoredFragment | null = null;
	#recentProducerMs: number[] = [];

	constructor(request: SessionRequest, stream: LocalStream) {
		this.#request = request;
		this.#stream = stream;
	}

	take(nowMs: number): DueFragments {
		return { fragments: this.#fresh(nowMs), following: null };
	}

	#fresh(nowMs: number): StoredFragment[] {
		const { clock, maxFragments } = this.#request;
		const newest = this.#newest;
		const { fragments } = this.#stream;
		const snapshot = this.#stream.snapshot(nowMs);
		if (newest === null) {
			const latest = fragments.latest('server', nowMs, maxFragments, snapshot).sort(compareServerTimes);
			const isLive = (latest.at(-1)?.serverMs ?? Number.NEGATIVE_INFINITY) >= nowMs - LIVE_MS;
			return isLive ? withoutDuplicates(clock, latest) : [];
		}
		const range = { clock: 'server', startMs: newest.serverMs, endMs: nowMs } as const;
		const since = fragments.select(range, snapshot).all();
		const fresh = since.filter((fragment) => compareServerTimes(fragment, newest) > 0);
		const known = clock === 'producer' ? new Set(this.#recentProducerMs) : null;
		return withoutDuplicates(
			clock,
			fresh.filter(({ producerMs }) => known?.has(producerMs) !== true).sort(compareServerTimes),
		);
	}

	listed(fragments: readonly StoredFragment[]): void {
		this.#newest = fragments.reduce<StoredFragment | null>(
			(newest, fragment) => (newest === null || compareServerTimes(fragment, newest) > 0 ? fragment : newest),
			this.#newest,
		);
		const recent = [...this.#recentProducerMs, ...fragments.map(({ producerMs }) => producerMs)];
		this.#recentProducerMs = recent.slice(-this.#request.maxFragments);
	}

	isComplete(): boolean {
		return false;
	}
}

/**
 * LIVE_REPLAY: begins with as many fragments as a playlist holds, and then continues in real time: each comes when the one
 * before it has had the time to play, and is there.
 */
class ReplayQueue implements FragmentQueue {
	readonly #request: SessionRequest;
	readonly #stream: LocalStream;
	#appended = -1;
	#waiting: StoredFragment[] = [];
	#last: StoredFragment | null = null;
	/** When the next one is due, epoch milliseconds. */
	#dueMs: number;

	constructor(request: SessionRequest, stream: LocalStream, nowMs: number) {
		this.#request = request;
		this.#stream = stream;
		this.#dueMs = nowMs;
	}

	take(nowMs: number): DueFragments {
		this.#refresh(nowMs);
		if (nowMs < this.#dueMs) return { fragments: [], following: null };
		const kept = this.#waiting.findIndex(({ number }) => this.#stream.keeps(number));
		if (kept !== 0) this.#waiting = kept < 0 ? [] : this.#waiting.slice(kept);
		const count = this.#last === null ? this.#request.maxFragments : 1;
		const due = this.#waiting.slice(0, count);
		const missing = due.findIndex(({ serverMs }) => serverMs > nowMs);
		const there = missing < 0 ? due : due.slice(0, missing);
		// What was waited for is not made up for: an hour that comes in at once is played in an hour.
		if (there.length === 0) this.#dueMs = nowMs;
		const next = this.#waiting[there.length];
		return { fragments: there, following: next !== undefined && next.serverMs <= nowMs ? next : null };
	}

	listed(fragments: readonly StoredFragment[], lastDurationMs: number): void {
		this.#last = fragments.at(-1) ?? this.#last;
		this.#waiting = this.#waiting.slice(fragments.length);
		this.#dueMs += lastDurationMs;
	}

	isComplete(nowMs: number): boolean {
		const { endMs } = this.#request;
		this.#refresh(nowMs);
		return endMs !== null && endMs < nowMs && this.#waiting.length === 0;
	}

	/** Looks again where something was put in. */
	#refresh(nowMs: number): void {
		const { appended } = this.#stream.fragments;
		if (this.#appended === appended) return;
		this.#appended = appended;
		const { clock } = this.#request;
		const last = this.#last;
		// What is yet to come is waited for.
		const snapshot = { ...this.#stream.snapshot(nowMs), untilMs: Number.POSITIVE_INFINITY };
		// What was listed does not come again, so that a long replay need not look at all of it each time.
		const startMs = last === null ? this.#request.startMs : startOn(clock, last);
		const rest = inRange({ ...this.#request, startMs }, this.#stream, snapshot);
		this.#waiting = playedFragments(clock, rest).filter(
			(fragment) =>
				last === null ||
				(clock === 'server' ? compareServerTimes(fragment, last) > 0 : fragment.producerMs > last.producerMs),
		);
	}
}

function inRange(
	{ clock, startMs, endMs }: SessionRequest,
	{ fragments }: LocalStream,
	snapshot: Snapshot,
): StoredFragment[] {
	const range = { clock, startMs: startMs ?? 0, endMs: endMs ?? Number.POSITIVE_INFINITY };
	return fragments.select(range, snapshot).all();
}

/** The clock says what counts as one fragment twice; the order stays. */
function withoutDuplicates(
	clock: SessionRequest['clock'],
	fragments: readonly StoredFragment[],
): StoredFragment[] {
	if (clock === 'server') return [...fragments];
	const byTimestamp = new Map<number, StoredFragment>();
	for (const fragment of fragments) {
		const { producerMs } = fragment;
		const other = byTimestamp.get(producerMs);
		if (other === undefined || compareServerTimes(other, fragment) < 0) byTimestamp.set(producerMs, fragment);
	}
	return [...byTimestamp.values()].sort((a, b) => a.producerMs - b.producerMs);
}
