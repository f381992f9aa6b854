import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from 'kvs-archive';

/** Waits of at least this long are for what does not come; what is shorter is a back-off. */
const PATIENCE_MS = 30_000;

/** So many turns of the event loop without anything new, and nothing new comes by itself. */
const IDLE_TURNS = 200;

/** After so many turns something goes through the thread pool: on a busy machine what was given to it before may take long. */
const TURNS_PER_FILE = 10;

/** A clock on which back-offs take no time, and patience ends when the test says that time has passed. */
export class StandstillClock implements Clock {
	#nowMs: number;
	readonly #patienceMs: number;
	#sleepers = new Set<{ readonly ms: number; readonly dueMs: number; readonly wake: () => void }>();

	/** @param patienceMs - waits of at least this long end only when time goes on */
	constructor(nowMs: number, patienceMs = PATIENCE_MS) {
		this.#nowMs = nowMs;
		this.#patienceMs = patienceMs;
	}

	/** How many wait for what does not come. */
	get pending(): number {
		return this.#sleepers.size;
	}

	/** Whether there is a wait of just that length. */
	isSleptOn(ms: number): boolean {
		return [...this.#sleepers].some((sleeper) => sleeper.ms === ms);
	}

	now(): number {
		return this.#nowMs;
	}

	async sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
		signal?.throwIfAborted();
		if (ms < this.#patienceMs) return;
		await new Promise<void>((resolve, reject) => {
			const onAbort = (): void => {
				this.#sleepers.delete(sleeper);
				reject(signal?.reason as Error);
			};
			const wake = (): void => {
				this.#sleepers.delete(sleeper);
				signal?.removeEventListener('abort', onAbort);
				resolve();
			};
			const sleeper = { ms, dueMs: this.#nowMs + ms, wake };
			this.#sleepers.add(sleeper);
			signal?.addEventListener('abort', onAbort, { once: true });
		});
	}

	advance(ms: number): void {
		this.#nowMs += ms;
		for (const { dueMs, wake } of this.#sleepers) if (dueMs <= this.#nowMs) wake();
	}

	/**
	 * Until the signal is aborted, time goes on whenever nothing else does: what `happened` counts stays the same, and
	 * there are waits for what does not come.
	 */
	async advanceWhenIdle(happened: () => number, signal: AbortSignal): Promise<void> {
		let last = -1;
		for (let idleTurns = 0; !signal.aborted; idleTurns++) {
			await setImmediate();
			if (idleTurns % TURNS_PER_FILE === 0) await stat('.');
			if (happened() !== last || this.pending === 0) {
				last = happened();
				idleTurns = 0;
			} else if (idleTurns >= IDLE_TURNS) {
				this.advance(PATIENCE_MS);
				idleTurns = 0;
			}
		}
	}
}
