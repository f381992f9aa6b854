/** Where a run begins, in ticks: pictures that are shown before the first key frame need times too. */
const ORIGIN_TICKS = 60_000_000;

/** A longer step between two groups of pictures is closed, and one back within a group: decoders mistrust them. */
const MAX_STEP_TICKS = 10_000_000;

/** What a closed step, or one back in time, becomes. */
const STEP_TICKS = 1_000_000;

/**
 * Gives each frame of a run a time of its own, by which its picture is known again: whole microseconds, in the order of the
 * frames' times, never the same twice. Where the producer's clock goes back, or far ahead at a key frame, these do not.
 */
export class TimestampAllocator {
	#originMs: number | null = null;
	#shiftTicks = ORIGIN_TICKS;
	#lastTicks = 0;

	/** Time of the next frame, in decoding order, which is shown at `ms`; `isTaken` says which times still have a picture to come. */
	place(
		{ keyframe }: { readonly keyframe: boolean },
		ms: number,
		isTaken: (ticks: number) => boolean,
	): number {
		this.#originMs ??= ms;
		const unshifted = Math.round((ms - this.#originMs) * 1000);
		const step = unshifted + this.#shiftTicks - this.#lastTicks;
		const isJump = keyframe ? step <= 0 || step > MAX_STEP_TICKS : step < -MAX_STEP_TICKS;
		if (isJump && this.#lastTicks > 0) this.#shiftTicks = this.#lastTicks + STEP_TICKS - unshifted;
		let ticks = Math.max(1, unshifted + this.#shiftTicks);
		while (isTaken(ticks)) ticks++;
		this.#lastTicks = Math.max(this.#lastTicks, ticks);
		return ticks;
	}
}
