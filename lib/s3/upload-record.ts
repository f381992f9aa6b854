import { SinkError } from '../errors.js';
import type { Bucket, UploadId } from './bucket.js';
import { isS3Error } from './s3-failure.js';

const FORMAT = 'kvs-archive uploads 1';

/** A larger record is not one: a writer has some uploads under way at a time. */
const MAX_RECORD_BYTES = 64 * 1024;

/** How long before the record was written last an upload may have begun that it does not name: others were named meanwhile. */
const LOOK_BACK_MS = 3_600_000;

/**
 * The uploads in parts that a writer has under way, in an object beside what it writes: one that is killed leaves it, and the next one
 * removes the uploads that it names. It is written before an upload is begun, without the identifier that S3 gives it then, and
 * again with it. Without uploads there is no such object.
 */
export class UploadRecord {
	readonly #bucket: Bucket;
	readonly #key: string;
	/** Identifiers by the key of the object; null while S3 has not given one. */
	readonly #uploads = new Map<string, string | null>();
	#written: Promise<void> = Promise.resolve();

	/** @param key - of the record; what it names lies beside it */
	constructor(bucket: Bucket, key: string) {
		this.#bucket = bucket;
		this.#key = key;
	}

	/** An upload of this object is about to begin. */
	async begin(key: string): Promise<void> {
		this.#uploads.set(key, null);
		await this.#write();
	}

	/** It has begun. */
	async began({ key, uploadId }: UploadId): Promise<void> {
		this.#uploads.set(key, uploadId);
		await this.#write();
	}

	/** It is an object now, or removed. */
	async over({ key }: Pick<UploadId, 'key'>): Promise<void> {
		this.#uploads.delete(key);
		await this.#write();
	}

	/** Removes the uploads of a writer that has ended without doing so. Fails where the object is not a record. */
	async removeUnfinished(signal: AbortSignal | undefined): Promise<void> {
		const object = await this.#bucket.get(this.#key, {}, signal);
		if (object === null) return;
		const { bytes, sizeBytes, modified } = object;
		let text = '';
		// Without a listener an abort would end the process.
		bytes.once('error', () => {});
		if (sizeBytes > MAX_RECORD_BYTES) bytes.destroy();
		else for await (const chunk of bytes.setEncoding('utf8')) text += chunk;
		const since = new Date((modified?.getTime() ?? 0) - LOOK_BACK_MS);
		for (const { key, uploadId } of this.#parse(text)) {
			const uploads = uploadId === null ? await this.#begunSince(key, since) : [{ key, uploadId }];
			for (const upload of uploads) await this.#bucket.abortUpload(upload);
		}
		await this.#bucket.remove(this.#key, signal);
	}

	/** Those that may have begun before the record could name them; none where listing them is denied: then they are left to the bucket's rules. */
	async #begunSince(key: string, since: Date): Promise<UploadId[]> {
		try {
			return await this.#bucket.uploadsSince(key, since);
		} catch (error) {
			if (error instanceof SinkError && isS3Error(error.cause, 'AccessDenied')) return [];
			throw error;
		}
	}

	/** One after the other, so that the last one says what is. */
	#write(): Promise<void> {
		const write = async (): Promise<void> => {
			if (this.#uploads.size === 0) return this.#bucket.remove(this.#key);
			const uploads = [...this.#uploads].map(([key, uploadId]) => ({ key, uploadId }));
			const text = `${JSON.stringify({ format: FORMAT, uploads })}\n`;
			return this.#bucket.put(this.#key, Buffer.from(text), 'application/json');
		};
		const written = this.#written.then(write);
		this.#written = written.catch(() => {});
		return written;
	}

	#parse(text: string): { key: string; uploadId: string | null }[] {
		const folder = this.#key.slice(0, this.#key.lastIndexOf('/') + 1);
		try {
			const { format, uploads } = JSON.parse(text) as Record<string, unknown>;
			if (format === FORMAT && Array.isArray(uploads)) {
				const areOwn = uploads.every(({ key, uploadId }) => {
					const isId = uploadId === null || typeof uploadId === 'string';
					return isId && typeof key === 'string' && key.startsWith(folder);
				});
				if (areOwn) return uploads;
			}
		} catch {
			// Said below.
		}
		const url = this.#bucket.urlOf(this.#key);
		const message = `\`${url}\` is not a record of unfinished uploads: move it away, and abort the uploads that it may stand for`;
		throw new SinkError('KVS_STORAGE_FAILED', url, message);
	}
}
