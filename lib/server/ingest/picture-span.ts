/** How many pictures there are, and from when to when. */
export class PictureSpan {
	#count = 0;
	#minTicks = Number.POSITIVE_INFINITY;
	#maxTicks = Number.NEGATIVE_INFINITY;

	get count(): number {
		return this.#count;
	}

	/** Last one's time minus the first's; 0 for fewer than two. */
	get lengthTicks(): number {
		return this.#count === 0 ? 0 : this.#maxTicks - this.#minTicks;
	}

	/** One more, in whatever order. */
	add(ticks: number): void {
		this.#count++;
		this.#minTicks = Math.min(this.#minTicks, ticks);
		this.#maxTicks = Math.max(this.#maxTicks, ticks);
	}
}

/** What an index says of the pictures of a fragment: nothing where there are none. */
export function pictureFields(
	count: number,
	lengthMs: number,
): { pictures: number; picturesMs: number } | Record<string, never> {
	return count === 0 ? {} : { pictures: count, picturesMs: Math.round(lengthMs) };
}
