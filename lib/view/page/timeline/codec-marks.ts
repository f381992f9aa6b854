import type { TimelineLine } from '../../view-responses.js';
import type { StreamApi } from '../api/stream-api.js';
import type { RowEvents } from './row-events.js';

/** Ranges whose marks are kept. */
const MAX_KEPT = 16;

/** What the headers of the fragments in sight say: codec changes, and what overlaps. Asked for when one has looked for a moment. */
export class CodecMarks {
	readonly #api: StreamApi;
	readonly #on: RowEvents;
	readonly #kept = new Map<string, readonly TimelineLine[]>();
	#request: { readonly key: string; readonly controller: AbortController } | null = null;

	constructor(api: StreamApi, on: RowEvents) {
		this.#api = api;
		this.#on = on;
	}

	/** The marks that are known of the range of these tiles. */
	get lines(): readonly TimelineLine[] {
		const byPlace = new Map([...this.#kept.values()].flat().map((line) => [JSON.stringify(line), line]));
		return [...byPlace.values()];
	}

	/** Reads the headers of a range, all of whose fragments are known, unless that was done. */
	look(fromMs: number, toMs: number): void {
		const key = `${fromMs} ${toMs}`;
		if (this.#kept.has(key) || this.#request?.key === key) return;
		this.close();
		const controller = new AbortController();
		this.#request = { key, controller };
		const range = { from: Math.floor(fromMs), to: Math.ceil(toMs) };
		this.#api
			.timeline(range, controller.signal)
			.then((lines) => {
				this.#kept.set(key, lines);
				const [oldest] = this.#kept.keys();
				if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
				this.#on.onSuccess();
				this.#on.onChange();
			})
			.catch((error: unknown) => {
				if (!controller.signal.aborted) this.#on.onError(error);
			})
			.finally(() => {
				if (this.#request?.key === key) this.#request = null;
			});
	}

	/** Gives up what is under way. */
	close(): void {
		this.#request?.controller.abort();
		this.#request = null;
	}
}
