import type { Frame } from '../model/media-event.js';

/** Where a run begins, in ticks: pictures that are shown before the first key frame need times too. */
const ORIGIN_TICKS = 60_000_000;

/** A longer step between two groups of pictures is closed: decoders mistrust it. */
const MAX_STEP_TICKS = 10_000_000;

/** What a closed step, or one back in time, becomes. */
const STEP_TICKS = 1_000_000;

/**
 * Gives each frame of a run a time of its own, by which its picture is known again: whole microseconds, in the order of the
 * frames' times, never the same twice. Where the producer's clock goes back or far ahead at a key frame, these do not.
 */
export class RunClock {
	#originMs: number | null = null;
	#shiftTicks = ORIGIN_TICKS;
	#lastTicks = 0;

	/** Time of the next frame, in decoding order; `isTaken` says which times still have a picture to come. */
	place(frame: Frame, isTaken: (ticks: number) => boolean): number {
		const ms = frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
		this.#originMs ??= ms;
		const unshifted = Math.round((ms - this.#originMs) * 1000);
		const step = unshifted + this.#shiftTicks - this.#lastTicks;
		if (frame.keyframe && this.#lastTicks > 0 && (step <= 0 || step > MAX_STEP_TICKS)) {
			this.#shiftTicks = this.#lastTicks + STEP_TICKS - unshifted;
		}
		let ticks = Math.max(1, unshifted + this.#shiftTicks);
		while (isTaken(ticks)) ticks++;
		this.#lastTicks = Math.max(this.#lastTicks, ticks);
		return ticks;
	}
}
