import { TimeExtent } from './time-extent.js';

/** Video frames that are further than this from all others of their fragment have wrong times. */
const FAR_MS = 1000;

/** How many video frames a fragment has, and the times of the first and last. */
export class PictureSpan {
	readonly #extent = new TimeExtent();

	get count(): number {
		return this.#extent.count;
	}

	/**
	 * Last one's time minus the first's, in milliseconds; 0 for fewer than two. Up to two wrong times at either end do not
	 * count. `tickMs`: how long a tick is.
	 */
	lengthMs(tickMs: number): number {
		const inMs = (ticks: readonly number[]): number[] => ticks.map((tick) => tick * tickMs);
		const { count, ...ticks } = this.#extent.state();
		const earliestMs = inMs(ticks.earliestMs);
		const latestMs = inMs(ticks.latestMs);
		const span = new TimeExtent({ count, earliestMs, latestMs }).within({
			startMs: earliestMs.at(-1) ?? null,
			nextStartMs: (latestMs.at(-1) ?? 0) + FAR_MS,
			frameMs: null,
		});
		return span === null ? 0 : span.lastMs - span.firstMs;
	}

	/** Adds one, in any order. */
	add(ticks: number): void {
		this.#extent.add(ticks);
	}
}

/** The fields of an index for a fragment's video frames, whose ticks last `tickMs`: none without video. */
export function pictureFields(
	span: PictureSpan,
	tickMs: number,
): { pictures: number; picturesMs: number } | Record<string, never> {
	return span.count === 0 ? {} : { pictures: span.count, picturesMs: Math.round(span.lengthMs(tickMs)) };
}
