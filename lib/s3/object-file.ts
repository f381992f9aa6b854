import type { ReadableFile } from '../files/readable-file.js';
import type { Bucket, ObjectBody } from './bucket.js';

/** How often in a row a response may break off before anything came of it. */
const MAX_BREAKS = 3;

/**
 * An object as a file: a response that is read on as long as the next place is where it stands, and requested anew elsewhere, and where
 * it broke off. Holds what has arrived of one response and was not read yet.
 */
export class ObjectFile implements ReadableFile {
	readonly sizeBytes: number;
	readonly #bucket: Bucket;
	readonly #key: string;
	readonly #etag: string;
	readonly #signal: AbortSignal | undefined;
	#body: ObjectBody['bytes'] | null = null;
	#chunks: AsyncIterator<Uint8Array> | null = null;
	#rest: Uint8Array = new Uint8Array(0);
	/** Where the rest begins. */
	#position = 0;

	private constructor(bucket: Bucket, key: string, first: ObjectBody, signal: AbortSignal | undefined) {
		this.#bucket = bucket;
		this.#key = key;
		this.#signal = signal;
		this.sizeBytes = first.sizeBytes;
		this.#etag = first.etag;
		this.#take(first, 0);
	}

	/** Opens an object; null where there is none. */
	static async open(
		bucket: Bucket,
		key: string,
		signal: AbortSignal | undefined,
	): Promise<ObjectFile | null> {
		const first = await bucket.get(key, {}, signal);
		return first === null ? null : new ObjectFile(bucket, key, first, signal);
	}

	async read(bytes: Uint8Array, position: number): Promise<number> {
		if (position >= this.sizeBytes || bytes.byteLength === 0) return 0;
		if (position !== this.#position) await this.close();
		for (let breaks = 0; this.#rest.byteLength === 0; ) {
			this.#signal?.throwIfAborted();
			if (this.#chunks === null) await this.#request(position);
			try {
				const { done, value } = (await this.#chunks?.next()) ?? { done: true, value: undefined };
				if (done === true) throw new Error('the response ended early');
				this.#rest = value as Uint8Array;
			} catch (error) {
				this.#signal?.throwIfAborted();
				if (++breaks > MAX_BREAKS) throw this.#bucket.failure(error, 'read', this.#key);
				await this.close();
			}
		}
		const taken = Math.min(bytes.byteLength, this.#rest.byteLength);
		bytes.set(this.#rest.subarray(0, taken));
		this.#rest = this.#rest.subarray(taken);
		this.#position = position + taken;
		return taken;
	}

	async close(): Promise<void> {
		this.#body?.destroy();
		this.#body = null;
		this.#chunks = null;
		this.#rest = new Uint8Array(0);
	}

	async #request(position: number): Promise<void> {
		const body = await this.#bucket.get(this.#key, { from: position, etag: this.#etag }, this.#signal);
		if (body === null) throw this.#bucket.failure(new Error('it was removed meanwhile'), 'read', this.#key);
		this.#take(body, position);
	}

	#take({ bytes }: ObjectBody, position: number): void {
		// What is not read any more may still fail.
		bytes.on('error', () => {});
		this.#body = bytes;
		this.#chunks = bytes[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
		this.#position = position;
	}
}
