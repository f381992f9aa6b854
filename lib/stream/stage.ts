import { type Readable, Transform, type TransformCallback } from 'node:stream';
import { ItemIterator } from './item-iterator.js';
import { type Batches, type Delivery, MAX_LISTENERS, Pump } from './pump.js';

/** Options of every stage. */
export interface StageOptions {
	/** Whether items leave one by one, or in arrays. @default 'event' */
	readonly deliver?: Delivery;
	/** Items that may wait at the stage's exit. @default 16 */
	readonly readableHighWaterMark?: number;
	/** Items (bytes, for a stage that takes bytes) that may wait at its entrance. @default 1 item */
	readonly writableHighWaterMark?: number;
}

/**
 * The one shell of every Transform in this package. A subclass writes two generators of batches; errors they throw,
 * back-pressure between two items of one input, and closing the generators on destroy are handled here.
 */
export abstract class Stage<In, Out> extends Transform {
	readonly #pump: Pump<Out>;
	readonly #abort = new AbortController();

	constructor(options: StageOptions & { readonly writableObjectMode?: boolean } = {}) {
		const {
			deliver = 'event',
			readableHighWaterMark = 16,
			writableHighWaterMark = 1,
			writableObjectMode = true,
		} = options;
		super({ readableObjectMode: true, writableObjectMode, readableHighWaterMark, writableHighWaterMark });
		this.setMaxListeners(MAX_LISTENERS);
		this.#pump = new Pump<Out>(this, deliver);
	}

	/** Aborted when the stage is destroyed: everything that the generators wait for must listen to it. */
	protected get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** The items that one input becomes. */
	protected abstract process(input: In): Batches<Out>;

	/** Hands on items that no input brought, from a timer. Never while `process` has items of its own to hand on. */
	protected give(items: readonly Out[]): void {
		this.#pump.pushNow(items);
	}

	/** The items that are left when the input has ended. */
	protected finish(): Batches<Out> {
		return [];
	}

	/**
	 * What leaves the stage, for `for await`. Once it is called, the stream can be read in this way only; leaving the loop
	 * destroys the stage. Untyped, as in every Readable, because `pipeline()` takes no other; `batches()` is typed.
	 */
	override [Symbol.asyncIterator](): ReturnType<Readable[typeof Symbol.asyncIterator]> {
		return new ItemIterator<unknown>(this, this.#pump, { isFlat: this.#pump.delivery === 'event' });
	}

	/** The same items in the arrays in which they were made, which costs less for each. Use one or the other. */
	batches(): NodeJS.AsyncIterator<Out[], undefined, unknown> {
		return new ItemIterator<Out[]>(this, this.#pump, { isFlat: false });
	}

	override _transform(input: In, _encoding: BufferEncoding, callback: TransformCallback): void {
		try {
			this.#pump.run(this.process(input), callback);
		} catch (error) {
			callback(error as Error);
		}
	}

	override _flush(callback: TransformCallback): void {
		try {
			this.#pump.run(this.finish(), callback);
		} catch (error) {
			callback(error as Error);
		}
	}

	override _read(size: number): void {
		this.#pump.read();
		// Transform holds the next input back while its exit is full, and looks again only here.
		super._read(size);
	}

	override read(size?: number): ReturnType<Transform['read']> {
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
