import type { S3Client } from '@aws-sdk/client-s3';
import type { UnfinishedFile } from '../files/output-folder.js';
import type { ReadableFile } from '../files/readable-file.js';
import type { RemoteFolder } from '../files/remote-place.js';
import type { Bucket } from './bucket.js';
import { ObjectFile } from './object-file.js';
import { type ObjectTarget, ObjectWriter } from './object-writer.js';
import { uploadFile } from './upload-file.js';
import { UploadRecord } from './upload-record.js';

/** What S3 takes as a part that is copied: as long as a part must be that is not the last one, and as one may be. */
const MIN_COPY_BYTES = 5 * 1024 ** 2;
const MAX_COPY_BYTES = 5 * 1024 ** 3;

/** What an {@link S3Folder} is made of. */
export interface S3FolderParts {
	readonly bucket: Bucket;
	/** What the keys begin with: empty, or with a slash at its end. */
	readonly prefix: string;
	/** Key of the record of unfinished uploads. */
	readonly recordKey: string;
	readonly stagingDirectory: string;
	/** Is destroyed with it; null for a client of the caller's. */
	readonly ownClient: S3Client | null;
}

/** The objects of a bucket whose keys begin alike, as a folder. */
export class S3Folder implements RemoteFolder {
	readonly url: string;
	readonly stagingDirectory: string;
	readonly #parts: S3FolderParts;
	readonly #record: UploadRecord;

	constructor(parts: S3FolderParts) {
		const { bucket, prefix, recordKey, stagingDirectory } = parts;
		this.url = bucket.urlOf(prefix);
		this.stagingDirectory = stagingDirectory;
		this.#parts = parts;
		this.#record = new UploadRecord(bucket, recordKey);
	}

	async removeUnfinished(signal: AbortSignal | undefined): Promise<void> {
		await this.#record.removeUnfinished(signal);
	}

	async put(name: string, path: string, signal: AbortSignal | undefined): Promise<void> {
		await uploadFile(path, { ...this.#target(name), signal });
	}

	async putGrown(name: string, path: string, signal: AbortSignal | undefined): Promise<void> {
		const target = { ...this.#target(name), signal };
		const grown = await target.bucket.stateOf(target.key);
		const isCopied = grown !== null && grown.sizeBytes >= MIN_COPY_BYTES && grown.sizeBytes <= MAX_COPY_BYTES;
		await uploadFile(path, isCopied ? { ...target, grown } : target);
	}

	/** Begins an object, whose bytes come from elsewhere than the disk. */
	create(name: string): UnfinishedFile {
		return new ObjectWriter(this.#target(name));
	}

	/** Names of the objects in it, but not of those in folders of it. */
	async *list(): AsyncGenerator<string> {
		const { bucket, prefix, recordKey } = this.#parts;
		for await (const key of bucket.keys(prefix)) if (key !== recordKey) yield key.slice(prefix.length);
	}

	/** Size of an object; null where there is none. */
	async sizeOf(name: string): Promise<number | null> {
		const { bucket, key } = this.#target(name);
		return (await bucket.stateOf(key))?.sizeBytes ?? null;
	}

	async get(name: string, signal: AbortSignal | undefined): Promise<ReadableFile | null> {
		const { bucket, key } = this.#target(name);
		return ObjectFile.open(bucket, key, signal);
	}

	async remove(name: string, signal: AbortSignal | undefined): Promise<void> {
		const { bucket, key } = this.#target(name);
		await bucket.remove(key, signal);
	}

	async close(): Promise<void> {
		this.#parts.ownClient?.destroy();
	}

	#target(name: string): ObjectTarget {
		const { bucket, prefix } = this.#parts;
		return { bucket, key: `${prefix}${name}`, record: this.#record };
	}
}
