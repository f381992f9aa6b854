import { MediaError } from '../errors.js';
import { CoveredTime } from '../gaps/covered-time.js';
import { GapDetector } from '../gaps/gap-detector.js';
import { failureAt } from '../model/fragment-indexer.js';
import { MAX_FRAGMENT_BYTES } from '../model/fragment-limits.js';
import {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
	type Frame,
	type MediaEvent,
	type RunEvent,
} from '../model/media-event.js';
import { Stage } from '../stream/stage.js';
import { judge, type Where } from './where.js';

/** A fragment that waits for its last tag. */
interface HeldFragment {
	readonly fragment: FragmentEvent;
	readonly frames: Frame[];
	sizeBytes: number;
	failure: FragmentFailureEvent | null;
}

/** A fragment that is wanted. */
interface WantedFragment extends HeldFragment {
	readonly end: FragmentEndEvent;
	/** What became of others after it, while it waits. */
	readonly later: (FragmentFailureEvent | FragmentSkippedEvent)[];
}

/** The fragments that begin before a range of the server's clock, of which the last one that is wanted is the one before it. */
export interface LeadIn {
	/** By number. */
	readonly padding: ReadonlyMap<string, unknown>;
	/** Where the range begins, epoch milliseconds. */
	readonly fromMs: number;
	/** Called for each that is wanted and is not the last. */
	readonly onDropped: () => void;
}

/** Options of {@link WhereFilter}. */
export interface WhereFilterOptions {
	/** @default null: all fragments that are wanted are given out */
	readonly leadIn?: LeadIn | null;
	/** The most that is held of one fragment. @default 50 MB, as large as the service takes them */
	readonly maxBytes?: number;
}

/**
 * Leaves out the fragments that are not wanted. Tags may come after the media: a fragment is held until it has ended, and
 * then given out whole, its `fragment` with all of its tags; of another, a `fragment-skipped` is in its place.
 *
 * Holds one fragment, as large as the service takes them, and with a lead-in another one; of a larger one a failure is given
 * out, and no more. What fails is never left out unless its tags say that it is unwanted: a fragment that was cut is given out
 * where it is known to be wanted, as a failure without its media where that is not known. Gaps are those of the fragments that
 * are given out, but for time that those left out cover; indexes count what is given out.
 */
export class WhereFilter extends Stage<readonly MediaEvent[], RunEvent> {
	readonly #where: Where;
	readonly #leadIn: LeadIn | null;
	readonly #maxBytes: number;
	readonly #gaps = new GapDetector();
	readonly #skippedGaps = new GapDetector();
	readonly #covered = new CoveredTime();
	#nextIndex = 0;
	/** Null between fragments, and in the rest of one that is too large. */
	#held: HeldFragment | null = null;

	/** Wanted, before the range: given out when the range begins, unless another one comes first or begins with it. */
	#before: WantedFragment | null = null;

	/** @param where - checked by `checkWhere` */
	constructor(where: Where, { leadIn = null, maxBytes = MAX_FRAGMENT_BYTES }: WhereFilterOptions = {}) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#where = where;
		this.#leadIn = leadIn;
		this.#maxBytes = maxBytes;
	}

	protected override process(events: readonly MediaEvent[]): RunEvent[][] {
		const out: RunEvent[] = [];
		for (const event of events) {
			switch (event.type) {
				case 'gap':
					break;
				case 'fragment':
					this.#held = { fragment: event, frames: [], sizeBytes: 0, failure: null };
					break;
				case 'frame':
					this.#frame(event, out);
					break;
				case 'fragment-failure':
					if (event.index === null) this.#say(event, out);
					else if (this.#held !== null) this.#held.failure = event;
					break;
				case 'fragment-end':
					if (this.#held !== null) this.#end(this.#held, event, out);
					this.#held = null;
					break;
			}
		}
		return out.length === 0 ? [] : [out];
	}

	#frame(frame: Frame, out: RunEvent[]): void {
		const held = this.#held;
		if (held === null) return;
		held.frames.push(frame);
		held.sizeBytes += frame.data.byteLength;
		if (held.sizeBytes <= this.#maxBytes) return;
		this.#held = null;
		this.#say(tooLarge(held.fragment, this.#maxBytes), out);
	}

	protected override finish(): RunEvent[][] {
		const out: RunEvent[] = [];
		this.#giveBefore(out);
		return out.length === 0 ? [] : [out];
	}

	#end(held: HeldFragment, end: FragmentEndEvent, out: RunEvent[]): void {
		const { fragment, frames, failure } = held;
		const verdict = judge(this.#where, this.#tagged(fragment, end), { isWhole: end.complete });
		if (verdict === 'wanted') {
			this.#want({ ...held, end, later: [] }, out);
		} else if (verdict === 'unknown' && failure !== null) {
			this.#say(failureAt(failure, null), out);
		} else {
			this.#skippedGaps.fragmentStart(startOf(fragment), fragment.tracks);
			for (const { track, timestampMs } of frames) this.#skippedGaps.frame(track, timestampMs);
			const skipped = new FragmentSkippedEvent(end, this.#skippedGaps.endMs);
			this.#covered.add(skipped);
			this.#say(skipped, out);
		}
	}

	/** A fragment that is not given out, in its place. */
	#say(event: FragmentFailureEvent | FragmentSkippedEvent, out: RunEvent[]): void {
		if (this.#before !== null && this.#isBefore(event)) {
			this.#before.later.push(event);
			return;
		}
		this.#giveBefore(out);
		out.push(event);
	}

	#want(wanted: WantedFragment, out: RunEvent[]): void {
		const isBefore = this.#isBefore(wanted.end);
		if (this.#before !== null && (isBefore || this.#isAtStart(wanted))) {
			out.push(...this.#before.later);
			this.#before = null;
			this.#leadIn?.onDropped();
		}
		if (isBefore) {
			this.#before = wanted;
			return;
		}
		this.#giveBefore(out);
		this.#give(wanted, out);
	}

	#isBefore({ fragmentNumber }: { readonly fragmentNumber: string | null }): boolean {
		return this.#leadIn?.padding.has(fragmentNumber ?? '') ?? false;
	}

	#isAtStart({ fragment: { serverTimestamp } }: WantedFragment): boolean {
		return serverTimestamp !== null && serverTimestamp.getTime() === this.#leadIn?.fromMs;
	}

	#giveBefore(out: RunEvent[]): void {
		const before = this.#before;
		if (before === null) return;
		this.#before = null;
		this.#give(before, out);
		out.push(...before.later);
	}

	#give({ fragment, frames, failure, end }: WantedFragment, out: RunEvent[]): void {
		const tagged = this.#tagged(fragment, end);
		const gap = this.#gaps.fragmentStart(startOf(fragment), fragment.tracks);
		if (gap !== null && !this.#covered.covers(gap)) out.push(gap);
		this.#covered.keptFrom(startOf(fragment));
		out.push(tagged);
		for (const frame of frames) {
			this.#gaps.frame(frame.track, frame.timestampMs);
			out.push(frame.ofFragment(tagged));
		}
		if (failure !== null) out.push(failureAt(failure, this.#nextIndex));
		out.push(new FragmentEndEvent(tagged, end));
		this.#nextIndex++;
	}

	/** The event that a fragment begins with, if it is the next to be given out. */
	#tagged(fragment: FragmentEvent, { fragmentNumber, tags }: FragmentEndEvent): FragmentEvent {
		return new FragmentEvent(Object.assign({}, fragment, { index: this.#nextIndex, fragmentNumber, tags }));
	}
}

function startOf({ producerTimestamp }: FragmentEvent): number | null {
	return producerTimestamp?.getTime() ?? null;
}

function tooLarge({ fragmentNumber, index }: FragmentEvent, maxBytes: number): FragmentFailureEvent {
	const message = `fragment ${fragmentNumber ?? index} is larger than the ${maxBytes} bytes that are buffered until all of its tags are known; read without the option \`where\` to get it`;
	const error = new MediaError('KVS_MEDIA_UNSUPPORTED', message);
	return new FragmentFailureEvent({
		index: null,
		fragmentNumber,
		code: null,
		name: 'UNSUPPORTED',
		message,
		offset: null,
		retryable: false,
		error,
	});
}
