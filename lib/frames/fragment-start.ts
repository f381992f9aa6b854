import type { FragmentEvent, Frame } from '../model/media-event.js';
import type { ResolvedTimeRange } from '../model/time-range.js';

/**
 * Where a fragment that begins before the range is begun. `time`: at `from`. `key-frame`: at the last key frame of its first
 * video track at or before `from`, the other tracks at that time; at `from` where there is none.
 */
export type StartAt = 'time' | 'key-frame';

/**
 * Cuts the start off one fragment that begins before the range, frame by frame. A fragment without a frame at or after
 * `from` is cut off whole. Holds the frames since the last key frame, until one at or after `from` comes.
 */
export class FragmentStart {
	readonly #by: ResolvedTimeRange['by'];
	readonly #fromMs: number;
	/** Track to begin at a key frame of; null where none is needed. */
	readonly #videoNumber: number | null;
	#keyMs: number | null = null;
	#held: Frame[] = [];
	#isOpen: boolean;

	constructor(
		{ tracks }: Pick<FragmentEvent, 'tracks'>,
		{ fromMs, by }: ResolvedTimeRange,
		startAt: StartAt,
	) {
		this.#by = by;
		this.#fromMs = fromMs;
		const video = startAt === 'key-frame' ? tracks.find(({ type }) => type === 'video') : undefined;
		this.#videoNumber = video?.number ?? null;
		this.#isOpen = video === undefined;
	}

	/** Takes the fragment's next frame; returns the frames that can be given out now. */
	frame(frame: Frame): readonly Frame[] {
		if (this.#isOpen) return this.#isInside(frame) ? [frame] : [];
		const isVideo = frame.track.number === this.#videoNumber;
		const ms = this.#timeOf(frame);
		if (isVideo && frame.keyframe && ms <= this.#fromMs) {
			this.#keyMs = ms;
			// Audio may run ahead of the video: what is as late as the key frame stays.
			this.#held = this.#held.filter(
				(held) => held.track.number !== this.#videoNumber && this.#isInside(held),
			);
		}
		this.#held.push(frame);
		// Frames before a key frame in the stream are shown before it: no key frame after this one is at or before `from`.
		return isVideo && ms >= this.#fromMs ? this.#open() : [];
	}

	/** The fragment is over, or breaks off here; returns what is left to be given out. */
	end(): readonly Frame[] {
		if (this.#isOpen) return [];
		return this.#held.some((frame) => this.#timeOf(frame) >= this.#fromMs) ? this.#open() : [];
	}

	#open(): readonly Frame[] {
		const held = this.#held;
		this.#held = [];
		this.#isOpen = true;
		return held.filter((frame) => this.#isInside(frame));
	}

	#isInside(frame: Frame): boolean {
		return this.#timeOf(frame) >= (this.#keyMs ?? this.#fromMs);
	}

	/** Time on the range's clock. A frame without one cannot be said to be before the range: it is kept. */
	#timeOf(frame: Frame): number {
		return (this.#by === 'server' ? frame.serverTimestampMs : frame.timestampMs) ?? Number.POSITIVE_INFINITY;
	}
}
