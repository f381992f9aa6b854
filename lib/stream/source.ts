import { Readable } from 'node:stream';
import { ItemIterator } from './item-iterator.js';
import { type Batches, type Delivery, MAX_LISTENERS, Pump } from './pump.js';

/**
 * The one shell of every object Readable in this package: the counterpart of `Stage` at the head of a pipeline.
 */
export abstract class Source<Out> extends Readable {
	readonly #pump: Pump<Out>;
	readonly #abort = new AbortController();
	#isRunning = false;

	constructor({
		deliver = 'event',
		readableHighWaterMark = 16,
	}: { deliver?: Delivery; readableHighWaterMark?: number } = {}) {
		super({ objectMode: true, highWaterMark: readableHighWaterMark });
		this.setMaxListeners(MAX_LISTENERS);
		this.#pump = new Pump<Out>(this, deliver);
	}

	/** Aborted when the source is destroyed. */
	protected get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** Everything the source has, in order. */
	protected abstract produce(): Batches<Out>;

	/**
	 * What leaves the source, for `for await`. Once it is called, the stream can be read in this way only; leaving the loop
	 * destroys the source. Untyped, as in every Readable, because `pipeline()` takes no other; `batches()` is typed.
	 */
	override [Symbol.asyncIterator](): ReturnType<Readable[typeof Symbol.asyncIterator]> {
		return new ItemIterator<unknown>(this, this.#pump, { isFlat: this.#pump.delivery === 'event' });
	}

	/** The same items in the arrays in which they were made, which costs less for each. Use one or the other. */
	batches(): NodeJS.AsyncIterator<Out[], undefined, unknown> {
		return new ItemIterator<Out[]>(this, this.#pump, { isFlat: false });
	}

	override _read(): void {
		if (this.#isRunning) {
			this.#pump.read();
			return;
		}
		this.#isRunning = true;
		this.#pump.run(this.produce(), (error) => {
			if (error) this.destroy(error);
			else this.push(null);
		});
	}

	override read(size?: number): ReturnType<Readable['read']> {
		const item = super.read(size);
		this.#pump.taken();
		return item;
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#abort.abort(error ?? undefined);
		this.#pump.close().then(
			() => callback(error),
			(closeError: Error) => callback(error ?? closeError),
		);
	}
}
