/** How long a frame lasts until two of them have been seen, in seconds. */
const USUAL_FRAME_SECONDS = 1 / 25;

/** Frames that are farther apart are not neighbours, in seconds. */
const MAX_FRAME_SECONDS = 0.5;

/** Of how many frames the shortest counts: some are left out where a machine is slow. */
const MEASURED_FRAMES = 30;

/** A longer jump of the clock between two frames that follow each other is a gap, in milliseconds. */
const GAP_MS = 500;

/** The frames as they are shown: what time it was, how long they last, and where nothing was recorded between two. */
export class ShownFrames {
	#seconds: number | null = null;
	#ms: number | null = null;
	/** How long the last frames lasted. */
	readonly #lengths: number[] = [];
	#isJoined = false;

	/** Time of the last frame that was shown, epoch milliseconds; null before the first. */
	get ms(): number | null {
		return this.#ms;
	}

	/** Its place in the media that are loaded; null before the first of them. */
	get seconds(): number | null {
		return this.#seconds;
	}

	/** How long a frame lasts, in seconds. */
	get frameSeconds(): number {
		return this.#lengths.length === 0 ? USUAL_FRAME_SECONDS : Math.min(...this.#lengths);
	}

	/** What comes next does not follow what came; `isJoined`: it does, in other media. */
	jump({ isJoined = false }: { readonly isJoined?: boolean } = {}): void {
		this.#seconds = null;
		this.#isJoined = isJoined;
	}

	/** A frame is shown. Returns how long nothing was recorded before it, in milliseconds; 0 for no time. */
	show(seconds: number, ms: number | null): number {
		const [beforeSeconds, beforeMs] = [this.#seconds, this.#ms];
		const isJoined = beforeSeconds === null && this.#isJoined;
		const lastedSeconds = beforeSeconds === null ? this.frameSeconds : seconds - beforeSeconds;
		this.#seconds = seconds;
		this.#isJoined = false;
		if (beforeSeconds !== null && lastedSeconds > 0 && lastedSeconds < MAX_FRAME_SECONDS) {
			this.#lengths.push(lastedSeconds);
			if (this.#lengths.length > MEASURED_FRAMES) this.#lengths.shift();
		}
		if (ms !== null) this.#ms = ms;
		const isNext = isJoined || (beforeSeconds !== null && lastedSeconds > 0 && lastedSeconds < 1);
		if (!isNext || ms === null || beforeMs === null) return 0;
		const lateMs = ms - beforeMs - lastedSeconds * 1000;
		return lateMs > GAP_MS ? lateMs : 0;
	}
}
