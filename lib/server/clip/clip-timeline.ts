import type { TimedSample } from '../../mp4/sample-times.js';

/** A fragment continues the one before it where it begins within this many frames of its end. */
const JOINED_FRAMES = 3;

/** How long a single frame lasts of which nothing else is known, and the longest that is plausible. */
const DEFAULT_FRAME_MS = 40;
const MAX_FRAME_MS = 20_000;

/** A fragment of a clip. */
export interface TimedFragment {
	/** When the next one starts on the producer's clock, epoch milliseconds; null where there is none, or it is not later. */
	readonly nextStartMs: number | null;
	/** Of each track its samples, with times on that clock; tracks are those of all fragments, and some may have no samples. */
	readonly tracks: readonly (readonly TimedSample[])[];
}

/** When a track's samples of a fragment begin and end, in milliseconds, and how long the last one lasts. */
interface Span {
	readonly firstMs: number;
	readonly endMs: number;
	readonly frameMs: number;
}

/**
 * Lays the fragments of a clip one after the other. Where the recording continues from one to the next their distance is
 * the producer's; a gap is left out, and where two overlap the later one begins when the earlier has ended, as in a DASH
 * session. Tracks stay beside each other.
 */
export class ClipTimeline {
	/** By track, the last fragment in which it had samples; times are the clip's. */
	#previous: readonly (Span | null)[] = [];
	#shiftMs: number | null = null;

	/** How much later than on the producer's clock the samples of the next fragment are in the clip, in milliseconds. */
	shiftOf(fragment: TimedFragment): number {
		const spans = fragment.tracks.map((samples) => spanOf(samples, fragment));
		const shiftMs = this.#shiftFor(spans);
		this.#shiftMs = shiftMs;
		this.#previous = spans.map((span, index) =>
			span === null ? (this.#previous[index] ?? null) : { ...span, endMs: span.endMs + shiftMs },
		);
		return shiftMs;
	}

	#shiftFor(spans: readonly (Span | null)[]): number {
		const shiftMs = this.#shiftMs;
		const firstMs = Math.min(...spans.map((span) => span?.firstMs ?? Number.POSITIVE_INFINITY));
		if (firstMs === Number.POSITIVE_INFINITY) return shiftMs ?? 0;
		if (shiftMs === null) return -firstMs;
		const neighbours = spans.flatMap((span, index) => {
			const previous = this.#previous[index];
			return span === null || previous == null ? [] : [{ span, previous }];
		});
		const [main] = neighbours;
		if (main === undefined) {
			return Math.max(...this.#previous.map((previous) => previous?.endMs ?? 0)) - firstMs;
		}
		const offMs = main.span.firstMs + shiftMs - main.previous.endMs;
		if (Math.abs(offMs) <= JOINED_FRAMES * main.previous.frameMs) return shiftMs;
		return Math.max(...neighbours.map(({ span, previous }) => previous.endMs - span.firstMs));
	}
}

function spanOf(samples: readonly TimedSample[], { nextStartMs }: TimedFragment): Span | null {
	if (samples.length === 0) return null;
	let firstMs = Number.POSITIVE_INFINITY;
	let lastMs = Number.NEGATIVE_INFINITY;
	let durationMs: number | null = null;
	for (const sample of samples) {
		firstMs = Math.min(firstMs, sample.ms);
		if (sample.ms > lastMs) {
			lastMs = sample.ms;
			durationMs = sample.durationMs;
		}
	}
	const untilNextMs = (nextStartMs ?? Number.NEGATIVE_INFINITY) - lastMs;
	const isNextNear = untilNextMs > 0 && untilNextMs <= MAX_FRAME_MS;
	const guessedMs = isNextNear ? untilNextMs : DEFAULT_FRAME_MS;
	const meanMs = samples.length === 1 ? guessedMs : (lastMs - firstMs) / (samples.length - 1);
	const frameMs = durationMs ?? meanMs;
	return { firstMs, endMs: lastMs + frameMs, frameMs };
}
