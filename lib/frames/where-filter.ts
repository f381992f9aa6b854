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

/**
 * Leaves out the fragments that are not wanted. Tags may come after the media: a fragment is held until it has ended, and
 * then given out whole, its `fragment` with all of its tags; of another, a `fragment-skipped` is in its place.
 *
 * Holds one fragment, as large as the service takes them; of a larger one a failure is given out, and no more. What fails
 * is never left out unless its tags say that it is unwanted: a fragment that was cut is given out where it is known to be
 * wanted, as a failure without its media where that is not known. Gaps are those of the fragments that are given out, but for
 * time that those left out cover; indexes count them.
 */
export class WhereFilter extends Stage<readonly MediaEvent[], RunEvent> {
	readonly #where: Where;
	readonly #maxBytes: number;
	readonly #gaps = new GapDetector();
	readonly #skippedGaps = new GapDetector();
	readonly #covered = new CoveredTime();
	#nextIndex = 0;
	/** Null between fragments, and in the rest of one that is too large. */
	#held: HeldFragment | null = null;

	/** @param where - checked by `checkWhere` */
	constructor(where: Where, { maxBytes = MAX_FRAGMENT_BYTES }: { readonly maxBytes?: number } = {}) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#where = where;
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
					if (event.index === null) out.push(event);
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
		out.push(tooLarge(held.fragment, this.#maxBytes));
	}

	#end({ fragment, frames, failure }: HeldFragment, end: FragmentEndEvent, out: RunEvent[]): void {
		const { fragmentNumber, tags } = end;
		const tagged = new FragmentEvent(
			Object.assign({}, fragment, { index: this.#nextIndex, fragmentNumber, tags }),
		);
		const verdict = judge(this.#where, tagged, { isWhole: end.complete });
		const startMs = fragment.producerTimestamp?.getTime() ?? null;
		if (verdict === 'wanted') {
			const gap = this.#gaps.fragmentStart(startMs, fragment.tracks);
			if (gap !== null && !this.#covered.covers(gap)) out.push(gap);
			this.#covered.keptFrom(startMs);
			out.push(tagged);
			for (const frame of frames) {
				this.#gaps.frame(frame.track, frame.timestampMs);
				out.push(frame.ofFragment(tagged));
			}
			if (failure !== null) out.push(failureAt(failure, this.#nextIndex));
			out.push(new FragmentEndEvent(tagged, end));
			this.#nextIndex++;
		} else if (verdict === 'unknown' && failure !== null) {
			out.push(failureAt(failure, null));
		} else {
			this.#skippedGaps.fragmentStart(startMs, fragment.tracks);
			for (const { track, timestampMs } of frames) this.#skippedGaps.frame(track, timestampMs);
			const skipped = new FragmentSkippedEvent(end, this.#skippedGaps.endMs);
			this.#covered.add(skipped);
			out.push(skipped);
		}
	}
}

function tooLarge({ fragmentNumber, index }: FragmentEvent, maxBytes: number): FragmentFailureEvent {
	const message = `fragment ${fragmentNumber ?? index} has more than ${maxBytes} bytes, the most that is held until all of its tags are known: \`where\` cannot tell whether it is wanted`;
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
