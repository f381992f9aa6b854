import type { MonotonicClock } from '#lib/server/index.js';
import { onAbort } from '#lib/stream/abort.js';
import { until } from '../helpers/wait.js';

/** A server's clock that goes on when a test says so, and then ends the waits that are due. */
export class SteppedClock implements MonotonicClock {
	#nowMs = 0;
	readonly #sleepers = new Set<{ readonly ms: number; readonly dueMs: number; readonly wake: () => void }>();

	now(): number {
		return this.#nowMs;
	}

	sleep(ms: number, signal: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			signal.throwIfAborted();
			const sleeper = { ms, dueMs: this.#nowMs + ms, wake: () => {} };
			const release = onAbort(signal, () => {
				this.#sleepers.delete(sleeper);
				release();
				reject(signal.reason as Error);
			});
			sleeper.wake = () => {
				release();
				resolve();
			};
			this.#sleepers.add(sleeper);
		});
	}

	/** Resolves when there is a wait of just that length. */
	async isSleptOn(ms: number): Promise<void> {
		const waits = (): number[] => [...this.#sleepers].map((sleeper) => sleeper.ms);
		await until(
			() => waits().includes(ms),
			() => `no wait of ${ms} ms, but of ${waits().join(', ')}`,
		);
	}

	/** Lets time go on by the waits of that length, one after the other. */
	async pass(totalMs: number, stepMs: number): Promise<void> {
		for (let passedMs = 0; passedMs < totalMs; passedMs += stepMs) {
			await this.isSleptOn(stepMs);
			this.advance(stepMs);
		}
	}

	advance(ms: number): void {
		this.#nowMs += ms;
		for (const sleeper of this.#sleepers) {
			if (sleeper.dueMs > this.#nowMs) continue;
			this.#sleepers.delete(sleeper);
			sleeper.wake();
		}
	}

	/** How many wait. */
	get pending(): number {
		return this.#sleepers.size;
	}
}
