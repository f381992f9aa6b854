/** How long a frame lasts until two of them have been seen, in seconds. */
const USUAL_FRAME_SECONDS = 1 / 25;

/** Frames that are farther apart are not neighbours, in seconds. */
const MAX_FRAME_SECONDS = 0.5;

/** Of how many frames the shortest counts: some are left out where a machine is slow. */
const MEASURED_FRAMES = 30;

/** A longer jump of the clock between two frames that follow each other is a gap, in milliseconds. */
const GAP_MS = 500;

/** A frame's time on the clock, and that of the fragment it is in: epoch milliseconds. */
export interface FrameTime {
	readonly ms: number;
	readonly fragmentStartMs: number;
	readonly fragmentEndMs: number;
}

/** The frames as they are shown: what time it was, how long they last, and where nothing was recorded between two. */
export class ShownFrames {
	#seconds: number | null = null;
	#time: FrameTime | null = null;
	/** How long the last frames lasted. */
	readonly #lengths: number[] = [];
	#isJoined = false;

	/** Time of the last frame that was shown, epoch milliseconds; null before the first. */
	get ms(): number | null {
		return this.#time?.ms ?? null;
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
	show(seconds: number, time: FrameTime | null): number {
		const [beforeSeconds, before] = [this.#seconds, this.#time];
		const isJoined = beforeSeconds === null && this.#isJoined;
		const lastedSeconds = beforeSeconds === null ? this.frameSeconds : seconds - beforeSeconds;
		this.#seconds = seconds;
		this.#isJoined = false;
		if (beforeSeconds !== null && lastedSeconds > 0 && lastedSeconds < MAX_FRAME_SECONDS) {
			this.#lengths.push(lastedSeconds);
			if (this.#lengths.length > MEASURED_FRAMES) this.#lengths.shift();
		}
		if (time !== null) this.#time = time;
		const isNext = isJoined || (beforeSeconds !== null && lastedSeconds > 0 && lastedSeconds < 1);
		if (!isNext || time === null || before === null) return 0;
		// Frames may be left out where one session ends and the next begins; their fragments say where the gap is.
		const gapMs = isJoined
			? time.fragmentStartMs - before.fragmentEndMs
			: time.ms - before.ms - lastedSeconds * 1000;
		return gapMs > GAP_MS ? gapMs : 0;
	}
}
