/** Media of a fragment, and how much memory it takes. */
export interface CachedMedia {
	readonly sizeBytes: number;
}

/**
 * Keeps the media that was used last, up to a number of bytes. Calls for a key whose value is being made share that one
 * value. A failure is not kept.
 */
export class MediaCache<Media extends CachedMedia> {
	readonly #maxBytes: number;
	/** In order of their last use. */
	readonly #values = new Map<string, Media>();
	readonly #pending = new Map<string, Promise<Media>>();
	#sizeBytes = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** Bytes that are kept. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** The value of that key, made by `make` where there is none. Rejects as `make` does. */
	async get(key: string, make: () => Promise<Media>): Promise<Media> {
		const kept = this.#values.get(key);
		if (kept !== undefined) {
			this.#values.delete(key);
			this.#values.set(key, kept);
			return kept;
		}
		const making = this.#pending.get(key) ?? this.#make(key, make);
		return making;
	}

	#make(key: string, make: () => Promise<Media>): Promise<Media> {
		const making = make()
			.then((value) => {
				this.#keep(key, value);
				return value;
			})
			.finally(() => this.#pending.delete(key));
		this.#pending.set(key, making);
		return making;
	}

	#keep(key: string, value: Media): void {
		this.#values.set(key, value);
		this.#sizeBytes += value.sizeBytes;
		for (const [oldest, { sizeBytes }] of this.#values) {
			if (this.#sizeBytes <= this.#maxBytes) return;
			this.#values.delete(oldest);
			this.#sizeBytes -= sizeBytes;
		}
	}
}
