/** How far a follower has come: what is listed and not done, and when its checkpoint was saved. */
export class FollowPosition {
	/** Server times of fragments that were listed and are not done, by number. */
	readonly #undone = new Map<string, number>();
	/** The latest of: server times of fragments that are done, and when a listing was begun that brought nothing new. */
	#latestMs = Number.NEGATIVE_INFINITY;
	/** When its checkpoint was saved or loaded last, epoch milliseconds; null without one. */
	savedMs: number | null = null;

	/** A fragment is about to be given out. */
	listed(fragmentNumber: string, serverMs: number): void {
		this.#undone.set(fragmentNumber, serverMs);
	}

	/** A listing that was begun at that time brought nothing new. */
	caughtUp(lookedAtMs: number): void {
		this.#latestMs = Math.max(this.#latestMs, lookedAtMs);
	}

	/** A fragment is done. Returns its server time; undefined for one that is not listed, or was done before. */
	done(fragmentNumber: string): number | undefined {
		const serverMs = this.#undone.get(fragmentNumber);
		if (serverMs === undefined) return undefined;
		this.#undone.delete(fragmentNumber);
		this.#latestMs = Math.max(this.#latestMs, serverMs);
		return serverMs;
	}

	/** Server time of a fragment that is listed and not done, epoch milliseconds. */
	serverMsOf(fragmentNumber: string): number | undefined {
		return this.#undone.get(fragmentNumber);
	}

	/** The time up to which everything that was listed is done, epoch milliseconds; null before that is known. */
	get handledUntilMs(): number | null {
		let oldestMs = Number.POSITIVE_INFINITY;
		for (const serverMs of this.#undone.values()) oldestMs = Math.min(oldestMs, serverMs);
		const untilMs = this.#undone.size === 0 ? this.#latestMs : oldestMs;
		return untilMs === Number.NEGATIVE_INFINITY ? null : untilMs;
	}
}
