/** How far a run has come. */
export interface Progress {
	/** Fragments listed so far; the range may hold more. */
	readonly fragments: number;
	readonly delivered: number;
	readonly failed: number;
	readonly missing: number;
	/** Fragments that came and are not wanted, as `where` says. */
	readonly skipped: number;
	readonly frames: number;
	/** Sum of the sizes of the frames. */
	readonly bytes: number;
	/** Since the start of the run. */
	readonly bytesPerSecond: number;
	/** Calls made to the service, by all operations together. */
	readonly calls: number;
	/** Calls that the service throttled. */
	readonly throttled: number;
	/** Responses that were requested again, because they broke off or were incomplete. */
	readonly retries: number;
	readonly elapsedMs: number;
	/** The part of the range's time that has been delivered, from 0 to 1. */
	readonly fraction: number;
	/** Time left at this speed, in milliseconds; null at the very start. An estimate: the rest may be denser, or empty. */
	readonly remainingMs: number | null;
}
