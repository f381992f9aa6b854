import type { Readable } from 'node:stream';
import { InvalidOptionError } from '../errors.js';

/** A batch of items, or the promise of one: what a stage's generator yields. */
export type Batches<Out> = Iterable<readonly Out[]> | AsyncIterable<readonly Out[]>;

/** How items leave a stage: one by one, or in the arrays in which they were made, which costs less for each. */
export type Delivery = 'event' | 'batch';

/**
 * Listeners to one event of a stream at which Node may warn of a leak: pipelines on both sides of it, iteration and an abort
 * take more than its ten.
 */
export const MAX_LISTENERS = 30;

/**
 * Moves batches from a generator into a Readable, item by item, and waits whenever `push()` says so.
 *
 * A Transform that pushes in a loop holds everything one input expands to; with the pump it holds one batch and what the
 * reader's high-water mark allows. The generator is closed (`return()`) when the stream is destroyed, so `finally` is the
 * place to release what it holds.
 */
export class Pump<Out> {
	readonly #stream: Readable;
	#delivery: Delivery;
	/** Whether items go out as arrays because an iterator takes them apart again: then one waits at a time. */
	#isIterated = false;
	/** Set by an iterator while it holds items it has not handed out: an error has to wait for them too. */
	isHeld = false;
	#iterator: Iterator<readonly Out[]> | AsyncIterator<readonly Out[]> | null = null;
	#batch: readonly Out[] = [];
	#position = 0;
	#done: (error?: Error | null) => void = () => {};
	#isWaiting = false;
	#wasRead = false;
	#error: Error | null = null;

	constructor(stream: Readable, delivery: Delivery) {
		if (delivery !== 'event' && delivery !== 'batch')
			throw new InvalidOptionError('deliver', "'event' or 'batch'", delivery);
		this.#stream = stream;
		this.#delivery = delivery;
	}

	/** Pushes everything `batches` yields, then calls `done`. One run at a time. */
	run(batches: Batches<Out>, done: (error?: Error | null) => void): void {
		this.#iterator =
			Symbol.asyncIterator in batches
				? batches[Symbol.asyncIterator]()
				: (batches as Iterable<readonly Out[]>)[Symbol.iterator]();
		this.#done = done;
		this.#continue();
	}

	/** How items leave. */
	get delivery(): Delivery {
		return this.#delivery;
	}

	/**
	 * From now on arrays leave the stream, for an iterator that hands their items out. Returns how many single items are
	 * still in the stream before the first array.
	 */
	deliverBatches(): number {
		const singles = this.#delivery === 'batch' ? 0 : this.#stream.readableLength;
		this.#delivery = 'batch';
		this.#isIterated = true;
		return singles;
	}

	/**
	 * Pushes items that no input brought, from a timer. Nothing of a run may be waiting, and no room is waited for: the
	 * caller bounds how much this can be.
	 */
	pushNow(items: readonly Out[]): void {
		if (this.#delivery === 'batch') this.#stream.push(items);
		else for (const item of items) this.#stream.push(item);
	}

	/** To be called from the stream's `_read`. */
	read(): void {
		this.#wasRead = true;
		if (this.#isWaiting && !this.#isFull()) this.#resume();
	}

	/**
	 * To be called after each `read()` of the stream. An error is held back until everything before it has been taken,
	 * because destroying a stream drops what waits in it.
	 */
	taken(): void {
		if (this.isHeld || this.#stream.readableLength > 0) return;
		if (this.#isIterated && this.#isWaiting) this.#resume();
		if (this.#error === null) return;
		const error = this.#error;
		this.#error = null;
		process.nextTick(this.#done, error);
	}

	/** To be called from the stream's `_destroy`: closes the generator. */
	async close(): Promise<void> {
		const iterator = this.#iterator;
		this.#iterator = null;
		await iterator?.return?.();
	}

	#isFull(): boolean {
		return this.#isIterated && this.#stream.readableLength > 0;
	}

	#resume(): void {
		this.#isWaiting = false;
		this.#continue();
	}

	#continue(): void {
		while (this.#iterator !== null) {
			while (this.#position < this.#batch.length) {
				this.#wasRead = false;
				const isWanted = this.#stream.push(this.#next());
				if (this.#iterator === null) return;
				if (this.#isFull() || (!isWanted && !this.#wasRead)) {
					this.#isWaiting = true;
					return;
				}
			}
			let step:
				| ReturnType<Iterator<readonly Out[]>['next']>
				| ReturnType<AsyncIterator<readonly Out[]>['next']>;
			try {
				step = this.#iterator.next();
			} catch (error) {
				this.#finish(error);
				return;
			}
			if (step instanceof Promise) {
				step.then(
					(result) => {
						if (this.#accept(result)) this.#continue();
					},
					(error) => this.#finish(error),
				);
				return;
			}
			if (!this.#accept(step)) return;
		}
	}

	#next(): Out | readonly Out[] | undefined {
		if (this.#delivery === 'event') return this.#batch[this.#position++];
		const start = this.#position;
		this.#position = this.#batch.length;
		return start === 0 ? this.#batch : this.#batch.slice(start);
	}

	#accept(step: IteratorResult<readonly Out[]>): boolean {
		if (this.#iterator === null) return false;
		if (step.done === true) {
			this.#finish(null);
			return false;
		}
		this.#batch = step.value;
		this.#position = 0;
		return true;
	}

	#finish(error: unknown): void {
		if (this.#iterator === null) return;
		this.#iterator = null;
		this.#batch = [];
		this.#position = 0;
		if (error === null) {
			this.#done(null);
			return;
		}
		this.#error = error as Error;
		this.taken();
	}
}
