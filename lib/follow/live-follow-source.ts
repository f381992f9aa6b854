import { isInvalidArgument } from '../aws/aws-errors.js';
import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import { BegunFragment } from '../demux/begun-fragment.js';
import type { ResumePolicy } from '../demux/demuxer.js';
import type { FollowSource } from '../list/follow-source.js';
import { resolveLiveStart } from '../live/live-options.js';
import { LiveSource } from '../live/live-source.js';
import type { Fragment } from '../model/fragment.js';
import { failureAt } from '../model/fragment-indexer.js';
import type { FragmentEvent, MediaEvent } from '../model/media-event.js';
import { RETRY_FOR_EVER } from '../pace/retry.js';
import { openFragment } from '../run/one-fragment.js';
import { destroyOnAbort } from '../stream/abort.js';
import { Source } from '../stream/source.js';
import { type EventBatches, EventReader } from './event-reader.js';
import { fragmentOver } from './fragment-over.js';
import { JoinedEvents } from './joined-events.js';

/** A fragment that is given out. */
export type GivenFragment = Pick<Fragment, 'fragmentNumber' | 'serverTimestamp'>;

/** Options of {@link LiveFollowSource}. */
export interface LiveFollowSourceOptions extends ServiceContext {
	/** What fragments are listed; a fill. */
	readonly listing: FollowSource;
	/** The events of what the listing gives out. */
	readonly listed: EventBatches;
	/** Server time from which on fragments are wanted, epoch milliseconds. */
	readonly fromMs: number;
	/** Called with a fragment that is about to be given out as it was read by GetMedia. */
	readonly onTaken: (fragment: GivenFragment) => void;
	readonly onCall: (call: CallRecord) => void;
	/** How media that breaks off is retried. */
	readonly resume: Partial<ResumePolicy>;
}

/**
 * The events of a stream that is followed by GetMedia, each fragment once and whole: what is stored comes by listing, until it has
 * caught up, and then what comes through GetMedia, and by listing what GetMedia has left out. Between two fragments what was
 * listed goes first.
 */
export class LiveFollowSource extends Source<MediaEvent> {
	readonly #options: LiveFollowSourceOptions;
	readonly #joined = new JoinedEvents();
	readonly #listed: EventReader;
	#live: EventReader | null = null;
	/** Whether GetMedia has brought anything since it was opened. */
	#isLiveProven = false;
	/** Whose fragment is being given out. */
	#open: EventReader | null = null;
	/** The fragment that GetMedia began, and how often anything of it came. */
	#begun: BegunFragment | null = null;
	#taken = 0;
	/** What {@link #taken} was when that fragment was listed, while more of it was waited for. */
	#takenWhenListed = -1;
	/** Whether it is to be gone on with by its number, as GetMedia does not. */
	#isAbandoned = false;
	/** Whether the fragment that is read by GetMedia is not wanted. */
	#isSkipped = false;
	/** What was listed and has not been given out: whether it is later than all that had been when it was listed. */
	readonly #outstanding = new Map<string, boolean>();
	/** How many of them are: GetMedia waits for those. */
	#ahead = 0;
	#newestMs = Number.NEGATIVE_INFINITY;
	#isWaiting = false;
	#wake: () => void = () => {};

	constructor(options: LiveFollowSourceOptions) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#options = options;
		this.#listed = new EventReader(options.listed, () => this.#wake());
	}

	/** Fragments are about to be given out by the listing. */
	listed(fragments: readonly GivenFragment[]): void {
		for (const { fragmentNumber, serverTimestamp } of fragments) {
			const isAhead = serverTimestamp.getTime() >= this.#newestMs;
			this.#outstanding.set(fragmentNumber, isAhead);
			if (isAhead) this.#ahead++;
		}
	}

	/**
	 * A fragment was listed that came before. Where it is the one that GetMedia has begun, and nothing of it came between two such
	 * listings, GetMedia is not to be had for now, and the rest of it is read by its number.
	 */
	listedAgain({ fragmentNumber }: GivenFragment): void {
		if (!this.#isWaiting || fragmentNumber !== this.#begun?.fragment.fragmentNumber) return;
		if (this.#takenWhenListed === this.#taken) this.#isAbandoned = true;
		this.#takenWhenListed = this.#taken;
		this.#wake();
	}

	/** The listing has got somewhere: GetMedia may begin. */
	caughtUp(): void {
		this.#wake();
	}

	protected override async *produce(): AsyncGenerator<MediaEvent[]> {
		const { listed } = this.#options;
		destroyOnAbort(listed, this.signal);
		try {
			for (;;) {
				const changed = new Promise<void>((resolve) => {
					this.#wake = resolve;
				});
				this.#checkLive();
				this.#openLive();
				const reader = this.#turn();
				if (this.#isAbandoned && this.#begun !== null) {
					yield* this.#finish(this.#begun);
				} else if (reader !== null) {
					const events = reader === this.#live ? this.#takeLive(reader) : this.#takeListed();
					if (events.length > 0) yield events;
				} else if (this.#listed.isOver) {
					if (this.#open === null) return;
					this.#isAbandoned = true;
				} else {
					this.#listed.ask();
					this.#live?.ask();
					this.#isWaiting = true;
					await changed;
					this.#isWaiting = false;
				}
			}
		} finally {
			listed.destroy();
			this.#live?.close();
		}
	}

	/** Where what comes next in GetMedia has expired, it is begun anew after what came. Throws what else it fails with. */
	#checkLive(): void {
		const error = this.#live?.error ?? null;
		if (error === null) return;
		if (!isInvalidArgument(error) || !this.#isLiveProven) throw error;
		this.#closeLive();
		this.#isAbandoned = this.#begun !== null;
	}

	#closeLive(): void {
		this.#live?.close();
		this.#live = null;
	}

	/** What is left of the fragment that GetMedia began, by its number. */
	async *#finish(begun: BegunFragment): AsyncGenerator<MediaEvent[]> {
		this.#isAbandoned = false;
		this.#closeLive();
		const { fragmentNumber, serverTimestamp } = begun.fragment;
		const unknown = serverTimestamp ?? new Date(this.#newestMs);
		const fragment = {
			fragmentNumber: fragmentNumber ?? '',
			fragmentSizeInBytes: 0,
			producerTimestamp: unknown,
			serverTimestamp: unknown,
			fragmentLengthInMilliseconds: 0,
		};
		const { signal } = this;
		const options = { ...this.#options, signal, retryPolicy: RETRY_FOR_EVER };
		let frames = 0;
		for await (const batch of openFragment(fragment, options).batches()) {
			const events: MediaEvent[] = [];
			for (const event of batch) {
				if (event.type === 'fragment') continue;
				if (event.type === 'frame' && ++frames <= begun.frames.length) continue;
				if (event.type !== 'fragment-failure' || event.index !== null) {
					this.#joined.add(event, events);
					continue;
				}
				this.#joined.add(failureAt(event, begun.fragment.index), events);
				this.#joined.add(begun.failedEnd(), events);
			}
			if (events.length > 0) yield events;
		}
		this.#ends();
	}

	#ends(): void {
		this.#open = null;
		this.#begun = null;
	}

	#openLive(): void {
		const { listing, fromMs, ...options } = this.#options;
		if (this.#live !== null || this.#open !== null || !listing.isFilling || this.#ahead > 0) return;
		const startMs = listing.newestMs ?? fromMs;
		const start = resolveLiveStart({ from: startMs === 0 ? 'earliest' : startMs });
		const source = new LiveSource({ ...options, start });
		destroyOnAbort(source, this.signal);
		this.#isLiveProven = false;
		this.#live = new EventReader(source, () => this.#wake());
	}

	/** Who has events that may be given out now. */
	#turn(): EventReader | null {
		if (this.#listed.error !== null) throw this.#listed.error;
		const live = this.#ahead > 0 && this.#open === null ? null : this.#live;
		const readers = this.#open === null ? [this.#listed, live] : [this.#open];
		return readers.find((reader) => reader?.next !== undefined) ?? null;
	}

	/** Events of the listing, to the end of a fragment at most. */
	#takeListed(): MediaEvent[] {
		const reader = this.#listed;
		const events: MediaEvent[] = [];
		for (let event = reader.next; event !== undefined; event = reader.next) {
			reader.skip();
			this.#joined.add(event, events);
			if (event.type === 'fragment') this.#begins(reader, event.serverTimestamp);
			const over = fragmentOver(event);
			if (over === null) continue;
			this.#open = null;
			if (this.#outstanding.get(over.fragmentNumber ?? '') === true) this.#ahead--;
			this.#outstanding.delete(over.fragmentNumber ?? '');
			break;
		}
		return events;
	}

	/** Events of GetMedia, to the end of a fragment at most; none of a fragment that is not wanted of it. */
	#takeLive(reader: EventReader): MediaEvent[] {
		const events: MediaEvent[] = [];
		for (let event = reader.next; event !== undefined; event = reader.next) {
			reader.skip();
			this.#taken++;
			// What failed before it began is listed, if it is stored, and then read by its number.
			if (event.type === 'gap' || (event.type === 'fragment-failure' && event.index === null)) continue;
			if (event.type === 'fragment') {
				this.#isLiveProven = true;
				this.#isSkipped = !this.#isTaken(event);
				if (!this.#isSkipped) {
					this.#begins(reader, event.serverTimestamp);
					this.#begun = new BegunFragment(event);
				}
			}
			if (!this.#isSkipped) {
				// It may be whole where it is stored.
				if (event.type === 'fragment-failure') {
					this.#isAbandoned = true;
					break;
				}
				if (event.type === 'frame') this.#begun?.add(event);
				this.#joined.add(event, events);
			}
			if (event.type !== 'fragment-end') continue;
			this.#ends();
			break;
		}
		return events;
	}

	/** Whether a fragment that begins is wanted of GetMedia. */
	#isTaken({ fragmentNumber, serverTimestamp }: FragmentEvent): boolean {
		const { listing, onTaken } = this.#options;
		if (fragmentNumber === null || serverTimestamp === null) return false;
		if (!listing.claim(fragmentNumber, serverTimestamp.getTime())) return false;
		onTaken({ fragmentNumber, serverTimestamp });
		return true;
	}

	#begins(reader: EventReader, serverTimestamp: Date | null): void {
		this.#open = reader;
		this.#newestMs = Math.max(this.#newestMs, serverTimestamp?.getTime() ?? Number.NEGATIVE_INFINITY);
	}
}
