import { TimeExtent } from '../../gaps/time-extent.js';

/** Pictures that are further off than this from all others of their fragment do not belong where they say they do. */
const FAR_MS = 1000;

/** How many pictures there are, and from when to when. */
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

	/** One more, in whatever order. */
	add(ticks: number): void {
		this.#extent.add(ticks);
	}
}

/** What an index says of the pictures of a fragment, whose ticks last `tickMs`: nothing where there are none. */
export function pictureFields(
	span: PictureSpan,
	tickMs: number,
): { pictures: number; picturesMs: number } | Record<string, never> {
	return span.count === 0 ? {} : { pictures: span.count, picturesMs: Math.round(span.lengthMs(tickMs)) };
}
