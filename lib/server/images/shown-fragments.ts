import { GAP_THRESHOLD_MS } from '../../gaps/gap-threshold.js';
import type { RangeClock } from '../../model/time-range.js';
import { startOn } from '../store/fragment-index.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { type FragmentVideo, type FragmentVideoReader, MAX_FRAGMENT_MS } from './fragment-video.js';

/** Videos that are kept: a fragment's and its neighbours'. */
const MAX_KEPT = 3;

/** How long a single picture is shown of which nothing else is known. */
const DEFAULT_FRAME_MS = 40;

/** Finds the fragments whose pictures are shown at given times. Holds the frames of three at the most. */
export class ShownFragments {
	readonly #fragments: readonly StoredFragment[];
	readonly #startsMs: readonly number[];
	readonly #reader: FragmentVideoReader;
	readonly #videos = new Map<number, FragmentVideo>();

	/** `fragments`: those that count, in the order of the clock. */
	constructor(fragments: readonly StoredFragment[], clock: RangeClock, reader: FragmentVideoReader) {
		this.#fragments = fragments;
		this.#startsMs = fragments.map((fragment) => startOn(clock, fragment));
		this.#reader = reader;
	}

	/**
	 * The index of the fragment whose picture is shown at a time, or would be if it could be decoded; null where nothing is
	 * shown. The picture itself may be one of the next fragment's, which is shown before its key frame.
	 */
	async at(timeMs: number): Promise<number | null> {
		const begun = this.#startsMs.findLastIndex((startMs) => startMs <= timeMs);
		const last = await this.video(begun);
		// A fragment may begin with audio: until its first picture the one before is shown.
		const index = last !== null && last.firstMs > timeMs ? begun - 1 : begun;
		const video = await this.video(index);
		if (video === null || video.firstMs > timeMs) return null;
		return timeMs <= video.lastMs || timeMs < (await this.#untilMs(index, video)) ? index : null;
	}

	/** Whether the video goes on from a fragment to the next one, and that does not begin before its last picture. */
	async isJoined(index: number): Promise<boolean> {
		const [video, next] = [await this.video(index), await this.video(index + 1)];
		if (video === null || next === null || video.frames.length === 0 || next.frames.length === 0)
			return false;
		const nextMs = this.#startsMs[index + 1] as number;
		return nextMs > video.lastMs && nextMs <= (await this.#untilMs(index, video));
	}

	/** The video of a fragment; null where there is no such fragment. */
	async video(index: number): Promise<FragmentVideo | null> {
		const fragment = this.#fragments[index];
		if (fragment === undefined) return null;
		const video = this.#videos.get(index) ?? (await this.#reader.read(fragment));
		this.#videos.delete(index);
		this.#videos.set(index, video);
		const [oldest] = this.#videos.keys();
		if (this.#videos.size > MAX_KEPT && oldest !== undefined) this.#videos.delete(oldest);
		return video;
	}

	/** Until when a fragment's last picture is shown: as long as it lasts, or until the next one where the recording goes on. */
	async #untilMs(index: number, { firstMs, lastMs, frameMs }: FragmentVideo): Promise<number> {
		const ownEndMs = (this.#startsMs[index] as number) + (this.#fragments[index] as StoredFragment).lengthMs;
		const endMs = Math.max(ownEndMs, lastMs + (frameMs ?? DEFAULT_FRAME_MS));
		const next = await this.video(index + 1);
		if (next === null) return endMs;
		const nextStartMs = this.#startsMs[index + 1] as number;
		const fromMs = Math.min(next.firstMs, nextStartMs);
		const isJoined =
			frameMs === null
				? fromMs - firstMs <= MAX_FRAGMENT_MS
				: fromMs - endMs <= Math.max(GAP_THRESHOLD_MS, frameMs);
		return isJoined ? Math.max(endMs, nextStartMs, next.firstMs) : endMs;
	}
}
