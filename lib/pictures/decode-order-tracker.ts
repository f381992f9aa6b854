/** The most pictures after a key frame that are shown before it: a decoder holds no more (H.264 and H.265, max_num_reorder). */
export const MAX_LEADING_FRAMES = 16;

/**
 * Numbers the frames of one track in decoding order, and leaves a number out where frames are missing before a key frame: the
 * producer's clock goes back, or ahead by more than the pictures that come after the key frame and are shown before it could
 * fill.
 */
export class DecodeOrderTracker {
	#order = 0;
	#meanMs: number | null = null;
	#count = 0;
	#firstMs = 0;
	#lastMs = 0;

	/** The number of the next frame, which is shown at `ms`: one more than that of the frame it comes right after. */
	add({ keyframe }: { readonly keyframe: boolean }, ms: number): number {
		if (keyframe && this.#count > 0) {
			if (this.#count > 1) this.#meanMs = (this.#lastMs - this.#firstMs) / (this.#count - 1);
			const stepMs = ms - this.#lastMs;
			const isBeyond = this.#meanMs !== null && stepMs > (MAX_LEADING_FRAMES + 1) * this.#meanMs;
			if (stepMs <= 0 || isBeyond) this.skip();
			this.#count = 0;
		}
		this.#firstMs = this.#count === 0 ? ms : Math.min(this.#firstMs, ms);
		this.#lastMs = this.#count === 0 ? ms : Math.max(this.#lastMs, ms);
		this.#count++;
		return this.#order++;
	}

	/** Frames are missing before the one that comes next. */
	skip(): void {
		this.#order++;
	}
}
