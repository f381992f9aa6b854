import type { CompletedPart } from '@aws-sdk/client-s3';
import type { UnfinishedFile } from '../files/output-folder.js';
import type { Bucket, ObjectState, UploadId } from './bucket.js';
import { contentTypeOf } from './content-type.js';
import type { UploadRecord } from './upload-record.js';

/** Up to this size an object is one request; of a larger one it is the size of a part. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** Parts that are on their way at once. */
const CONNECTIONS = 3;

/** What an {@link ObjectWriter} writes to. */
export interface ObjectTarget {
	readonly bucket: Bucket;
	readonly key: string;
	/** Names the upload while it is under way. */
	readonly record: UploadRecord;
	/** @default PART_BYTES, which is enough for 80 GB */
	readonly partBytes?: number;
	/** What the object has already, which S3 copies: what is appended comes after it. */
	readonly grown?: ObjectState;
	/** Aborts what is on its way. The writer is still to be ended. */
	readonly signal?: AbortSignal | undefined;
}

/**
 * An object that is being written: it is there when it is whole. Holds a part that is filled, and three that are on their way. What a
 * killed process leaves of it is in the record. Fails with `SinkError` (`KVS_STORAGE_FAILED`) and the signal's reason.
 */
export class ObjectWriter implements UnfinishedFile {
	readonly #target: ObjectTarget;
	readonly #partBytes: number;
	/** The part that is filled. */
	#slices: Buffer[] = [];
	#heldBytes = 0;
	#upload: UploadId | null = null;
	#last = 0;
	readonly #parts: CompletedPart[] = [];
	readonly #underWay = new Set<Promise<void>>();
	/** Of the writer's own end, and of the first part that fails. */
	readonly #ended = new AbortController();
	readonly #signal: AbortSignal;
	#isOver = false;

	constructor(target: ObjectTarget) {
		const { signal, partBytes = PART_BYTES } = target;
		this.#target = target;
		this.#partBytes = partBytes;
		this.#signal = signal === undefined ? this.#ended.signal : AbortSignal.any([signal, this.#ended.signal]);
	}

	async append(slices: readonly Uint8Array[]): Promise<void> {
		for (const slice of slices) {
			for (let at = 0; at < slice.byteLength; ) {
				// What fits into one request is not an upload in parts.
				if (this.#heldBytes === this.#partBytes) await this.#putHeld();
				const taken = Buffer.from(slice.subarray(at, at + this.#partBytes - this.#heldBytes));
				this.#slices.push(taken);
				this.#heldBytes += taken.byteLength;
				at += taken.byteLength;
			}
		}
	}

	async commit(): Promise<void> {
		const { bucket, key, record } = this.#target;
		if (this.#upload === null && this.#target.grown === undefined) {
			await bucket.put(key, this.#takeHeld(), contentTypeOf(key), this.#signal);
			this.#isOver = true;
			return;
		}
		if (this.#heldBytes > 0) await this.#putHeld();
		await Promise.all(this.#underWay);
		this.#signal.throwIfAborted();
		await bucket.finishUpload(await this.#begun(), this.#parts);
		this.#isOver = true;
		await record.over({ key });
	}

	async discard(): Promise<void> {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#ended.abort();
		await Promise.all(this.#underWay);
		if (this.#upload === null) return;
		const { bucket, record } = this.#target;
		await bucket.abortUpload(this.#upload);
		await record.over(this.#upload);
	}

	/** Sends the part that is filled on its way, when one of those that are has arrived. */
	async #putHeld(): Promise<void> {
		while (this.#underWay.size >= CONNECTIONS) await Promise.race(this.#underWay);
		this.#signal.throwIfAborted();
		const upload = await this.#begun();
		const number = ++this.#last;
		const put = async (bytes: Uint8Array): Promise<void> => {
			try {
				const part = { ...upload, number, bytes };
				this.#parts[number - 1] = await this.#target.bucket.putPart(part, this.#signal);
			} catch (error) {
				// The first that fails ends the others, and is what the next call fails with.
				this.#ended.abort(error);
			}
		};
		const putting = put(this.#takeHeld()).finally(() => this.#underWay.delete(putting));
		this.#underWay.add(putting);
	}

	async #begun(): Promise<UploadId> {
		if (this.#upload !== null) return this.#upload;
		const { bucket, key, record, grown } = this.#target;
		await record.begin(key);
		const upload = await bucket.beginUpload(key, contentTypeOf(key));
		this.#upload = upload;
		await record.began(upload);
		if (grown !== undefined) this.#parts.push(await bucket.copyPart(upload, ++this.#last, grown));
		return upload;
	}

	#takeHeld(): Buffer {
		const held = Buffer.concat(this.#slices);
		this.#slices = [];
		this.#heldBytes = 0;
		return held;
	}
}
