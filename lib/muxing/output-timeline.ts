import { audioDurationMs } from '../codecs/audio-format.js';
import { codedDurationMs } from '../codecs/coded-duration.js';
import type { FragmentEvent, Frame, GapEvent } from '../model/media-event.js';

/**
 * What becomes of time in which nothing was recorded. `keep`: it stays as long as it was. `close`: it is left out, for all
 * tracks alike. `fill`: it stays, and audio gets silence for it.
 */
export type GapPolicy = 'keep' | 'close' | 'fill';

/** What is known of a track's frames so far, in milliseconds of the file. */
interface TrackSpan {
	/** Of the fragment that came last. */
	count: number;
	firstMs: number;
	/** Of all of them. */
	lastMs: number;
	durationMs: number | null;
	/** Mean step from frame to frame in the last fragment that had several. */
	stepMs: number;
}

/** How a fragment begins. */
export interface FragmentBeginning {
	readonly fragment: Pick<FragmentEvent, 'producerTimestamp'>;
	/** How it fails to meet the one before it. */
	readonly gap: GapEvent | null;
	/** The first ones. */
	readonly frames: readonly Frame[];
}

/** An {@link OutputTimeline}'s past, as plain JSON. */
export interface OutputTimelineState {
	readonly originMs: number | null;
	readonly shiftMs: number;
	readonly spans: readonly (readonly [trackNumber: number, span: Readonly<TrackSpan>])[];
}

/**
 * Gives every frame its place in a file that begins at 0, the earliest frame of its first fragment.
 *
 * Times are the producer's. Where a fragment begins before the one before it ended (a new session, a range ingested twice,
 * two producers), a file cannot follow: it begins where the file ends so far, and those after it keep their distance to it.
 */
export class OutputTimeline {
	readonly #gaps: GapPolicy;
	readonly #spans: Map<number, TrackSpan>;
	#originMs: number | null;
	#shiftMs: number;

	constructor(gaps: GapPolicy = 'keep', state?: OutputTimelineState) {
		this.#gaps = gaps;
		this.#originMs = state?.originMs ?? null;
		this.#shiftMs = state?.shiftMs ?? 0;
		this.#spans = new Map(state?.spans.map(([number, span]) => [number, { ...span }]));
	}

	/** A fragment begins. */
	fragment(beginning: FragmentBeginning): void {
		const { frames } = beginning;
		this.#shiftMs = this.#shiftFor(beginning);
		for (const span of this.#spans.values()) {
			span.stepMs = stepOf(span);
			span.count = 0;
		}
		if (frames.length > 0) this.#originMs ??= frames.reduce(earlier, Number.POSITIVE_INFINITY);
	}

	/** Times that the frames of a fragment would have in the file if it were the next to begin, in milliseconds. */
	timesIf(beginning: FragmentBeginning): number[] {
		const shiftMs = this.#shiftFor(beginning);
		return beginning.frames.map((frame) => Math.max(0, this.#timeOf(frame, shiftMs)));
	}

	#shiftFor({ fragment: { producerTimestamp }, gap, frames }: FragmentBeginning): number {
		if (this.#originMs === null || gap === null || producerTimestamp === null) return this.#shiftMs;
		if (gap.kind === 'gap' && this.#gaps !== 'close') return this.#shiftMs;
		const shiftMs = this.endMs - (producerTimestamp.getTime() - this.#originMs);
		// Audio may begin before its fragment does.
		return frames.reduce(
			(most, frame) =>
				Math.max(most, shiftMs + this.endOf(frame.track.number) - this.#timeOf(frame, shiftMs)),
			shiftMs,
		);
	}

	#timeOf(frame: Frame, shiftMs: number): number {
		return sourceMs(frame) - (this.#originMs ?? 0) + shiftMs;
	}

	/** Gives a frame its place: its time in the file. */
	place(frame: Frame): number {
		const ms = Math.max(0, this.#timeOf(frame, this.#shiftMs));
		const { track, data } = frame;
		const durationMs =
			frame.durationMs ?? audioDurationMs(track, data.byteLength) ?? codedDurationMs(track, data);
		this.#add(track.number, ms, durationMs);
		return ms;
	}

	#add(trackNumber: number, ms: number, durationMs: number | null): void {
		const span = this.#spans.get(trackNumber);
		if (span === undefined) {
			this.#spans.set(trackNumber, { count: 1, firstMs: ms, lastMs: ms, durationMs, stepMs: 0 });
			return;
		}
		span.firstMs = span.count === 0 ? ms : Math.min(span.firstMs, ms);
		if (ms >= span.lastMs) span.durationMs = durationMs;
		span.lastMs = Math.max(span.lastMs, ms);
		span.count++;
	}

	/** Where a track ends so far; a frame without a duration lasts as long as its fragment's mean. 0 where there is none yet. */
	endOf(trackNumber: number): number {
		const span = this.#spans.get(trackNumber);
		return span === undefined ? 0 : span.lastMs + (span.durationMs ?? stepOf(span));
	}

	/** When a track's last frame so far is shown or heard; null where it has none yet. */
	lastOf(trackNumber: number): number | null {
		return this.#spans.get(trackNumber)?.lastMs ?? null;
	}

	/** Where the file ends so far. */
	get endMs(): number {
		return Math.max(0, ...[...this.#spans.keys()].map((number) => this.endOf(number)));
	}

	/** All of it, to go on from. */
	state(): OutputTimelineState {
		return { originMs: this.#originMs, shiftMs: this.#shiftMs, spans: [...this.#spans] };
	}
}

function stepOf({ count, firstMs, lastMs, stepMs }: TrackSpan): number {
	return count > 1 ? Math.max(0, lastMs - firstMs) / (count - 1) : stepMs;
}

/** A frame's time in its recording: the producer's, else its container's. */
export function sourceMs(frame: Frame): number {
	return frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
}

function earlier(ms: number, frame: Frame): number {
	return Math.min(ms, sourceMs(frame));
}
