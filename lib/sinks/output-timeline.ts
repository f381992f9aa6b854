import type { FragmentEvent, Frame } from '../model/media-event.js';

/** What is known of a track's frames so far, in milliseconds of the file. */
interface TrackSpan {
	count: number;
	firstMs: number;
	lastMs: number;
	durationMs: number | null;
}

/**
 * Gives every frame its place in a file that begins at 0.
 *
 * Times are the producer's, so gaps stay gaps. Where the producer's clock goes back to or before the start of the fragment
 * before (a new session, a range ingested twice), a file cannot follow: that fragment begins where the file ends so far,
 * and those behind it keep their distance to it.
 */
export class OutputTimeline {
	#originMs: number | null = null;
	#shiftMs = 0;
	#startMs: number | null = null;
	readonly #spans = new Map<number, TrackSpan>();

	/** A fragment begins: decides whether its times can be kept. */
	fragment({ producerTimestamp }: FragmentEvent): void {
		if (producerTimestamp === null) return;
		const startMs = producerTimestamp.getTime();
		if (this.#startMs !== null && this.#originMs !== null && startMs <= this.#startMs) {
			this.#shiftMs = this.endMs - (startMs - this.#originMs);
		}
		this.#startMs = startMs;
	}

	/** Time of a frame in the file, in milliseconds, fractional; negative for one before the first. */
	place(frame: Frame): number {
		const sourceMs = frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
		this.#originMs ??= sourceMs;
		const ms = sourceMs - this.#originMs + this.#shiftMs;
		const span = this.#spans.get(frame.track.number);
		if (span === undefined) {
			this.#spans.set(frame.track.number, {
				count: 1,
				firstMs: ms,
				lastMs: ms,
				durationMs: frame.durationMs,
			});
		} else {
			span.count++;
			span.firstMs = Math.min(span.firstMs, ms);
			if (ms >= span.lastMs) span.durationMs = frame.durationMs;
			span.lastMs = Math.max(span.lastMs, ms);
		}
		return ms;
	}

	/** Where the file ends so far: the last frame's end; a frame without a duration lasts as long as its track's mean. */
	get endMs(): number {
		let endMs = 0;
		for (const { count, firstMs, lastMs, durationMs } of this.#spans.values()) {
			const meanMs = count > 1 ? (lastMs - firstMs) / (count - 1) : 0;
			endMs = Math.max(endMs, lastMs + (durationMs ?? meanMs));
		}
		return endMs;
	}
}
