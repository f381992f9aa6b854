import type { Clock } from 'kvs-archive';
import { startMs } from './media/range.js';

/** A clock that goes on when a test says so, and then ends the waits that are due. */
export class ManualClock implements Clock {
	#nowMs = startMs;
	#sleepers: { readonly ms: number; readonly dueMs: number; readonly wake: () => void }[] = [];

	/** Whether there is a wait of just that length. */
	isSleptOn(ms: number): boolean {
		return this.#sleepers.some((sleeper) => sleeper.ms === ms);
	}

	/** How many waits there are. */
	get pending(): number {
		return this.#sleepers.length;
	}

	now(): number {
		return this.#nowMs;
	}

	sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
		return new Promise((resolve, reject) => {
			signal?.throwIfAborted();
			const sleeper = { ms, dueMs: this.#nowMs + ms, wake: resolve };
			this.#sleepers.push(sleeper);
			signal?.addEventListener('abort', () => {
				this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
				reject(signal.reason as Error);
			});
		});
	}

	advance(ms: number): void {
		this.#nowMs += ms;
		const due = this.#sleepers.filter(({ dueMs }) => dueMs <= this.#nowMs);
		this.#sleepers = this.#sleepers.filter(({ dueMs }) => dueMs > this.#nowMs);
		for (const { wake } of due) wake();
	}
}
