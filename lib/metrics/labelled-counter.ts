import type { MetricFamily } from './exposition.js';

/** A counter with a value for each set of labels that it was given. */
export class LabelledCounter {
	readonly #name: string;
	readonly #help: string;
	/** By the labels in JSON. */
	readonly #values = new Map<string, number>();

	/** `name` and `help`: see {@link MetricFamily}. */
	constructor(name: string, help: string) {
		this.#name = name;
		this.#help = help;
	}

	/** Adds to the value of these labels, which are to be given in the same order each time. */
	add(labels: Readonly<Record<string, string>>, count = 1): void {
		const key = JSON.stringify(labels);
		this.#values.set(key, (this.#values.get(key) ?? 0) + count);
	}

	/** Drops the values of all labels of which that holds. */
	forget(isOver: (labels: Readonly<Record<string, string>>) => boolean): void {
		for (const key of this.#values.keys()) if (isOver(JSON.parse(key))) this.#values.delete(key);
	}

	/** What it has counted. */
	family(): MetricFamily {
		const samples = [...this.#values].map(([key, value]) => ({ labels: JSON.parse(key), value }));
		return { name: this.#name, type: 'counter', help: this.#help, samples };
	}
}
