/** Lets any number wait until something has changed, and look again. */
export class Changes {
	#next: Promise<void> | null = null;
	#resolve: () => void = () => {};

	/** Something has changed: all that wait go on. */
	notify(): void {
		this.#next = null;
		this.#resolve();
	}

	/** Resolves with the next change. */
	next(): Promise<void> {
		this.#next ??= new Promise((resolve) => {
			this.#resolve = resolve;
		});
		return this.#next;
	}
}
