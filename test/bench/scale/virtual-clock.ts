import { setImmediate } from 'node:timers/promises';
import type { Clock } from 'kvs-archive';

interface Sleeper {
	readonly dueMs: number;
	readonly wake: () => void;
	isOver: boolean;
}

/** A clock on which no wait takes time: it goes on to the next that is due when nothing else is left to be done. */
export class VirtualClock implements Clock {
	#nowMs: number;
	readonly #settle: () => Promise<unknown>;
	/** A binary heap by `dueMs`; what was aborted stays until it is due. */
	readonly #heap: Sleeper[] = [];

	/** @param settle - resolves when all is done that does itself without a wait on this clock: promises, and streams */
	constructor(startMs: number, settle: () => Promise<unknown> = setImmediate) {
		this.#nowMs = startMs;
		this.#settle = settle;
	}

	now(): number {
		return this.#nowMs;
	}

	sleep(
		ms: number,
		{ signal, isBackground = false }: { signal?: AbortSignal | undefined; isBackground?: boolean } = {},
	): Promise<void> {
		// What only keeps a process alive is never due.
		if (ms > 1e9 && !isBackground) return new Promise(() => {});
		return new Promise((resolve, reject) => {
			signal?.throwIfAborted();
			const sleeper: Sleeper = { dueMs: this.#nowMs + Math.max(0, ms), wake: resolve, isOver: false };
			this.#push(sleeper);
			signal?.addEventListener(
				'abort',
				() => {
					sleeper.isOver = true;
					reject(signal.reason as Error);
				},
				{ once: true },
			);
		});
	}

	/** Lets time go on up to an end. */
	async runUntil(endMs: number): Promise<void> {
		for (;;) {
			await this.#settle();
			const next = this.#heap[0];
			if (next === undefined || next.dueMs > endMs) break;
			this.#nowMs = Math.max(this.#nowMs, next.dueMs);
			while (this.#heap[0] !== undefined && this.#heap[0].dueMs <= this.#nowMs) {
				const sleeper = this.#pop();
				if (!sleeper.isOver) sleeper.wake();
			}
		}
		this.#nowMs = endMs;
	}

	#push(sleeper: Sleeper): void {
		const heap = this.#heap;
		let at = heap.push(sleeper) - 1;
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (this.#due(parent) <= this.#due(at)) return;
			this.#swap(at, parent);
			at = parent;
		}
	}

	#pop(): Sleeper {
		const heap = this.#heap;
		this.#swap(0, heap.length - 1);
		const first = heap.pop() as Sleeper;
		for (let at = 0; ; ) {
			let least = at;
			for (const child of [2 * at + 1, 2 * at + 2]) {
				if (child < heap.length && this.#due(child) < this.#due(least)) least = child;
			}
			if (least === at) return first;
			this.#swap(at, least);
			at = least;
		}
	}

	#due(at: number): number {
		return (this.#heap[at] as Sleeper).dueMs;
	}

	#swap(a: number, b: number): void {
		const heap = this.#heap;
		[heap[a], heap[b]] = [heap[b] as Sleeper, heap[a] as Sleeper];
	}
}
