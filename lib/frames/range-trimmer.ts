import { FragmentIndexer, failureAt } from '../model/fragment-indexer.js';
import {
	FragmentEndEvent,
	type FragmentEvent,
	type FragmentFailureEvent,
	type FragmentSkippedEvent,
	type Frame,
	type GapEvent,
	type MediaEvent,
	type RunEvent,
} from '../model/media-event.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import { Stage } from '../stream/stage.js';
import { FragmentStart, type StartAt } from './fragment-start.js';
import type { TrackSelection } from './track-selection.js';

/** Options of {@link RangeTrimmer}. */
export interface RangeTrimmerOptions {
	/** What was asked for, without the padding. */
	readonly range: ResolvedTimeRange;
	readonly startAt: StartAt;
	/** The tracks whose frames come; null: all of a fragment's. @default null */
	readonly tracks?: TrackSelection | null;
	/** The fragments that begin before the range, by number, and whether they are known to reach it. */
	readonly padding: ReadonlyMap<string, boolean>;
	/** Called for every such fragment of which nothing was delivered. */
	readonly onDropped: () => void;
}

/** What is known of the fragment that is being trimmed. */
interface TrimmedFragment {
	readonly fragment: FragmentEvent;
	readonly start: FragmentStart;
	/** Whether its `fragment` event went out. */
	isAnnounced: boolean;
	/** Whether it failed before that, and was said to. */
	isReported: boolean;
	frames: number;
	bytes: number;
}

/**
 * Trims the fragments that begin before a range to where it starts; all others pass as they are.
 *
 * A trimmed fragment keeps its own times and tags; its `fragment-end` counts what was given out. One of which nothing is
 * in the range leaves no event, nor a gap on either side of it. One that failed before anything of it could be given out is
 * a failure without a `fragment`, unless it may not have reached the range at all. Indexes count what is given out.
 */
export class RangeTrimmer extends Stage<readonly RunEvent[], RunEvent> {
	readonly #options: RangeTrimmerOptions;
	/** Wait for the fragment after them. */
	#gaps: GapEvent[] = [];
	/** The next gaps refer to a fragment that was not delivered. */
	#isAfterDropped = false;
	#nextIndex = 0;
	readonly #indexer = new FragmentIndexer();
	#trimmed: TrimmedFragment | null = null;

	constructor(options: RangeTrimmerOptions) {
		super({ deliver: 'batch', readableHighWaterMark: 1 });
		this.#options = options;
	}

	protected override process(events: readonly RunEvent[]): RunEvent[][] {
		const out: RunEvent[] = [];
		for (const event of events) {
			if (event.type === 'fragment-skipped') this.#skipped(event, out);
			else if (event.type === 'gap') this.#gaps.push(event);
			else if (event.type === 'fragment') this.#fragment(event, out);
			else if (event.type === 'fragment-failure') this.#failure(event, out);
			else if (this.#trimmed === null) out.push(this.#indexed(event));
			else if (event.type === 'frame') this.#give(this.#trimmed, this.#trimmed.start.frame(event), out);
			else this.#end(this.#trimmed, event, out);
		}
		return out.length === 0 ? [] : [out];
	}

	/** Of what is before the range only what is given out counts. */
	#skipped(event: FragmentSkippedEvent, out: RunEvent[]): void {
		if (this.#options.padding.has(event.fragmentNumber ?? '')) this.#options.onDropped();
		else out.push(event);
	}

	#fragment(fragment: FragmentEvent, out: RunEvent[]): void {
		const { padding, range, startAt } = this.#options;
		if (fragment.fragmentNumber === null || !padding.has(fragment.fragmentNumber)) {
			this.#announce(fragment, out);
			return;
		}
		const tracks = fragment.tracks.filter((track) => this.#options.tracks?.has(track) ?? true);
		const start = new FragmentStart({ tracks }, range, startAt);
		this.#trimmed = { fragment, start, isAnnounced: false, isReported: false, frames: 0, bytes: 0 };
	}

	#give(trimmed: TrimmedFragment, frames: readonly Frame[], out: RunEvent[]): void {
		if (frames.length > 0 && !trimmed.isAnnounced) {
			trimmed.isAnnounced = true;
			this.#announce(trimmed.fragment, out);
		}
		for (const frame of frames) {
			trimmed.frames++;
			trimmed.bytes += frame.data.byteLength;
			out.push(this.#indexed(frame));
		}
	}

	#failure(failure: FragmentFailureEvent, out: RunEvent[]): void {
		const trimmed = this.#trimmed;
		if (trimmed !== null) this.#give(trimmed, trimmed.start.end(), out);
		if (trimmed?.isAnnounced || (trimmed === null && failure.index !== null)) {
			out.push(this.#indexed(failure));
			return;
		}
		if (this.#options.padding.get(failure.fragmentNumber ?? '') !== false) {
			if (trimmed !== null) trimmed.isReported = true;
			out.push(failureAt(failure, null));
		} else if (trimmed === null) {
			// Where it had begun, its end says that it is dropped.
			this.#options.onDropped();
		}
	}

	#end(trimmed: TrimmedFragment, end: FragmentEndEvent, out: RunEvent[]): void {
		this.#give(trimmed, trimmed.start.end(), out);
		this.#trimmed = null;
		if (trimmed.isAnnounced) {
			const { fragment, frames, bytes } = trimmed;
			const { fragmentNumber, tags, complete } = end;
			const counted = new FragmentEndEvent(fragment, { fragmentNumber, frames, bytes, tags, complete });
			out.push(this.#indexed(counted));
			return;
		}
		this.#gaps = [];
		this.#isAfterDropped = true;
		if (!trimmed.isReported) this.#options.onDropped();
	}

	#announce(fragment: FragmentEvent, out: RunEvent[]): void {
		if (!this.#isAfterDropped) out.push(...this.#gaps);
		this.#gaps = [];
		this.#isAfterDropped = false;
		this.#nextIndex++;
		out.push(this.#indexed(fragment));
	}

	/** The event with the index of the fragment that was announced last. */
	#indexed<Event extends Exclude<MediaEvent, GapEvent>>(event: Event): Event {
		return this.#indexer.indexed(event, this.#nextIndex - 1);
	}
}
