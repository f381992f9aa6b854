import type { Fragment } from '../model/fragment.js';
import { FragmentIndexer } from '../model/fragment-indexer.js';
import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	MediaEvent,
} from '../model/media-event.js';
import { type Admission, HELD_INDEX } from './admission.js';
import { BegunFragment, checkRemembered } from './begun-fragment.js';
import type { DemuxContext } from './demux-context.js';

/**
 * What has become of the fragments of one batch: each ends exactly once, in the order of the request.
 *
 * Media is known by the fragment number in its tags, never by its place in a response. What comes before its turn is held,
 * what comes twice or was not requested is skipped, and a fragment whose media broke off is resumed.
 */
export class BatchProgress {
	readonly #context: DemuxContext;
	readonly #order: readonly string[];
	readonly #fragments: ReadonlyMap<string, Fragment>;
	readonly #outstanding: Set<string>;
	/** Fragments that are over before their turn: their events, without an index. */
	readonly #held = new Map<string, MediaEvent[]>();
	#heldEvents = 0;
	#position = 0;
	/** The fragment that may be given out as it is read: whatever comes instead is held. */
	#expected: string | undefined;
	/** What began in this response: reading is ahead of giving out, by a chunk with many fragments perhaps. */
	#read = new Set<string>();
	#begun: BegunFragment | null = null;
	#early: MediaEvent[] = [];

	constructor(fragments: readonly Fragment[], context: DemuxContext) {
		this.#context = context;
		this.#order = fragments.map(({ fragmentNumber }) => fragmentNumber);
		this.#fragments = new Map(fragments.map((fragment) => [fragment.fragmentNumber, fragment]));
		this.#outstanding = new Set(this.#order);
	}

	/** The fragments that have not come yet. */
	get outstanding(): ReadonlySet<string> {
		return this.#outstanding;
	}

	/** The fragment whose turn it is; undefined when all are over. */
	get next(): string | undefined {
		return this.#order[this.#position];
	}

	/** The last fragment before that; undefined at the start. */
	get lastBeforeNext(): string | undefined {
		return this.#order[this.#position - 1];
	}

	/** The fragment of which a part was given out. */
	get begun(): BegunFragment | null {
		return this.#begun;
	}

	/** How the service listed a fragment. */
	listed(fragmentNumber: string): Fragment | undefined {
		return this.#fragments.get(fragmentNumber);
	}

	/** A response begins. */
	responseStarts(): void {
		this.#early = [];
		this.#read = new Set();
		this.#expected = this.next;
	}

	/** What becomes of a fragment that begins in a response. */
	admit(fragmentNumber: string | null): Admission {
		if (fragmentNumber === null || !this.#isWanted(fragmentNumber)) return 'skip';
		this.#read.add(fragmentNumber);
		// What was begun is first in line, so that it is gone on with whatever has failed before it in this response.
		const isBegun = this.#begun?.fragment.fragmentNumber === fragmentNumber;
		if (!isBegun && fragmentNumber !== this.#expected) return 'hold';
		const following = this.#order[this.#order.indexOf(fragmentNumber, this.#position) + 1];
		this.#expected = following !== undefined && this.#isWanted(following) ? following : undefined;
		return isBegun && this.#begun !== null ? this.#begun : 'take';
	}

	/** A fragment has failed. Whether it is requested again is not known yet, so all after it must wait. */
	failedToRead(): void {
		this.#expected = undefined;
	}

	/** Takes an event of a response, failures and their ends aside. Returns what is to be given out of it. */
	take(event: Exclude<MediaEvent, FragmentFailureEvent>): MediaEvent[] {
		if (event.type === 'gap') return [event];
		if (event.index === HELD_INDEX) return this.#takeEarly(event);
		switch (event.type) {
			case 'fragment':
				this.#begun = new BegunFragment(event);
				return [event];
			case 'frame':
				this.#begun?.add(event);
				return [event];
			default:
				return [event, ...this.#settleNext()];
		}
	}

	/** The fragment has failed for good: its failure, and its end where it was begun, in its place. */
	fail(fragmentNumber: string, failure: FragmentFailureEvent, end: FragmentEndEvent | null): MediaEvent[] {
		const events: MediaEvent[] = end === null ? [failure] : [failure, end];
		if (fragmentNumber === this.next) return [...events, ...this.#settleNext()];
		this.#hold(fragmentNumber, events);
		return [];
	}

	#isWanted(fragmentNumber: string): boolean {
		return this.#outstanding.has(fragmentNumber) && !this.#read.has(fragmentNumber);
	}

	#takeEarly(event: FragmentEvent | Frame | FragmentEndEvent): MediaEvent[] {
		this.#early = event.type === 'fragment' ? [event] : appended(this.#early, event);
		checkRemembered(this.#heldEvents + this.#early.length, 'frames of fragments that came out of order');
		if (event.type === 'fragment-end' && event.complete && event.fragmentNumber !== null) {
			this.#hold(event.fragmentNumber, this.#early);
		}
		return this.#heldInTurn();
	}

	#hold(fragmentNumber: string, events: MediaEvent[]): void {
		this.#outstanding.delete(fragmentNumber);
		this.#held.set(fragmentNumber, events);
		this.#heldEvents += events.length;
	}

	/** The fragment whose turn it was has ended. Returns the events of those after it that have ended already. */
	#settleNext(): MediaEvent[] {
		if (this.next !== undefined) this.#outstanding.delete(this.next);
		this.#begun = null;
		this.#position++;
		return this.#heldInTurn();
	}

	#heldInTurn(): MediaEvent[] {
		const events: MediaEvent[] = [];
		for (; this.next !== undefined; this.#position++) {
			const held = this.#held.get(this.next);
			if (held === undefined) break;
			this.#held.delete(this.next);
			this.#heldEvents -= held.length;
			for (const event of this.#inTurn(held)) events.push(event);
		}
		return events;
	}

	/** Gives held events what they could not have before: their index, and the comparison with their neighbour. */
	#inTurn(held: MediaEvent[]): MediaEvent[] {
		const [fragment] = held;
		if (fragment?.type !== 'fragment') return held;
		const { gaps } = this.#context;
		const gap = gaps.fragmentStart(fragment.producerTimestamp?.getTime() ?? null, fragment.tracks);
		const index = this.#context.nextIndex++;
		const indexer = new FragmentIndexer();
		const events: MediaEvent[] = gap === null ? [] : [gap];
		for (const event of held) {
			if (event.type === 'frame') gaps.frame(event.track, event.timestampMs);
			events.push(event.type === 'gap' ? event : indexer.indexed(event, index));
		}
		return events;
	}
}

/** Appends in place: an early fragment may have thousands of frames. */
function appended(events: MediaEvent[], event: MediaEvent): MediaEvent[] {
	events.push(event);
	return events;
}
