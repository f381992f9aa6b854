const SECOND_MS = 1000;

/**
 * A quota of points a second. A request is admitted while the bucket is positive, however much it costs; the debt it
 * leaves delays the next one. The bucket fills evenly and holds one second's worth.
 */
export class PointBucket {
	readonly #pointsPerSecond: number;
	#points: number;
	#filledAtMs = Number.NEGATIVE_INFINITY;

	/** `pointsPerSecond` may be `Infinity`. */
	constructor(pointsPerSecond: number) {
		this.#pointsPerSecond = pointsPerSecond;
		this.#points = pointsPerSecond;
	}

	/** Whether a request is admitted at that time, in milliseconds of a clock that never goes back. */
	isPositive(nowMs: number): boolean {
		if (this.#pointsPerSecond === Number.POSITIVE_INFINITY) return true;
		const filled = this.#points + ((nowMs - this.#filledAtMs) / SECOND_MS) * this.#pointsPerSecond;
		this.#points = Math.min(this.#pointsPerSecond, filled);
		this.#filledAtMs = nowMs;
		return this.#points > 0;
	}

	/** Takes out what an admitted request costs. */
	spend(points: number): void {
		this.#points -= points;
	}
}
