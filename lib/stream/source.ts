import { Readable } from 'node:stream';
import { type Batches, type Delivery, Pump } from './pump.js';

/** The one shell of every object Readable in this package: the counterpart of `Stage` at the head of a pipeline. */
export abstract class Source<Out> extends Readable {
	readonly #pump: Pump<Out>;
	readonly #abort = new AbortController();
	#isRunning = false;

	constructor({
		deliver = 'event',
		readableHighWaterMark = 16,
	}: { deliver?: Delivery; readableHighWaterMark?: number } = {}) {
		super({ objectMode: true, highWaterMark: readableHighWaterMark });
		this.#pump = new Pump<Out>(this, deliver);
	}

	/** Aborted when the source is destroyed. */
	protected get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** Everything the source has, in order. */
	protected abstract produce(): Batches<Out>;

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

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#abort.abort(error ?? undefined);
		this.#pump.close().then(
			() => callback(error),
			(closeError: Error) => callback(error ?? closeError),
		);
	}
}
