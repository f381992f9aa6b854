/** How far a run has come. */
export interface Progress {
	/** Fragments listed so far; the range may hold more. */
	readonly fragments: number;
	readonly delivered: number;
	readonly failed: number;
	readonly missing: number;
	readonly frames: number;
	/** Sum of the sizes of the frames. */
	readonly bytes: number;
	/** Since the start of the run. */
	readonly bytesPerSecond: number;
	/** Calls made to the service, by all operations together. */
	readonly calls: number;
	/** Calls that the service answered with a throttle. */
	readonly throttled: number;
	/** Answers that were asked for again, because they broke off or lacked something. */
	readonly retries: number;
	readonly elapsedMs: number;
	/** How much of the range's time has been given out, from 0 to 1. */
	readonly fraction: number;
	/** What is left at this speed, in milliseconds; null at the very start. A guess: the rest may be denser, or empty. */
	readonly remainingMs: number | null;
}
