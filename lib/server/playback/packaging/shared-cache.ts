/** Something that was made, and how much memory it takes. */
export interface Sized {
	readonly sizeBytes: number;
}

/**
 * Keeps what was made last, up to a number of bytes: a thing is made once, however many ask for it while it is being made.
 * What failed is not kept.
 */
export class SharedCache<Value extends Sized> {
	readonly #maxBytes: number;
	/** The one that was used last is last. */
	readonly #values = new Map<string, Value>();
	readonly #underWay = new Map<string, Promise<Value>>();
	#sizeBytes = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** Bytes that are kept. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** The value of that key, made by `make` where there is none. Rejects as `make` does. */
	async get(key: string, make: () => Promise<Value>): Promise<Value> {
		const kept = this.#values.get(key);
		if (kept !== undefined) {
			this.#values.delete(key);
			this.#values.set(key, kept);
			return kept;
		}
		const making = this.#underWay.get(key) ?? this.#make(key, make);
		return making;
	}

	#make(key: string, make: () => Promise<Value>): Promise<Value> {
		const making = make()
			.then((value) => {
				this.#keep(key, value);
				return value;
			})
			.finally(() => this.#underWay.delete(key));
		this.#underWay.set(key, making);
		return making;
	}

	#keep(key: string, value: Value): void {
		this.#values.set(key, value);
		this.#sizeBytes += value.sizeBytes;
		for (const [oldest, { sizeBytes }] of this.#values) {
			if (this.#sizeBytes <= this.#maxBytes) return;
			this.#values.delete(oldest);
			this.#sizeBytes -= sizeBytes;
		}
	}
}
