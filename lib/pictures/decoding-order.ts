import type { Frame } from '../model/media-event.js';

/** The most pictures after a key frame that are shown before it: a decoder holds no more (H.264 and H.265, max_num_reorder). */
const MAX_LEADING_FRAMES = 16;

/**
 * Numbers the frames of one track in decoding order, and leaves a number out where frames are missing in front of a key
 * frame: the producer's clock goes back, or ahead by more than the pictures that follow the key frame and are shown
 * before it could fill.
 */
export class DecodingOrder {
	readonly #orders = new WeakMap<Frame, number>();
	#order = 0;
	#meanMs: number | null = null;
	#count = 0;
	#firstMs = 0;
	#lastMs = 0;

	/** The next frame in decoding order. */
	add(frame: Frame): void {
		const ms = frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
		if (frame.keyframe && this.#count > 0) {
			if (this.#count > 1) this.#meanMs = (this.#lastMs - this.#firstMs) / (this.#count - 1);
			const stepMs = ms - this.#lastMs;
			const isBeyond = this.#meanMs !== null && stepMs > (MAX_LEADING_FRAMES + 1) * this.#meanMs;
			if (stepMs <= 0 || isBeyond) this.skip();
			this.#count = 0;
		}
		this.#firstMs = this.#count === 0 ? ms : Math.min(this.#firstMs, ms);
		this.#lastMs = this.#count === 0 ? ms : Math.max(this.#lastMs, ms);
		this.#count++;
		this.#orders.set(frame, this.#order++);
	}

	/** Frames are missing in front of the one that comes next. */
	skip(): void {
		this.#order++;
	}

	/** Number of a frame that was added: one more than that of the frame it comes right behind. */
	of(frame: Frame): number {
		return this.#orders.get(frame) as number;
	}
}
