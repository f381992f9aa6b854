import type { S3Client } from '@aws-sdk/client-s3';
import type { ReadableFile } from '../files/readable-file.js';
import type { RemoteFolder } from '../files/remote-place.js';
import type { Bucket } from './bucket.js';
import { ObjectFile } from './object-file.js';
import { uploadFile } from './upload-file.js';
import { UploadRecord } from './upload-record.js';

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
		await uploadFile({ path, key: this.#keyOf(name) }, this.#parts.bucket, this.#record, signal);
	}

	async get(name: string, signal: AbortSignal | undefined): Promise<ReadableFile | null> {
		return ObjectFile.open(this.#parts.bucket, this.#keyOf(name), signal);
	}

	async remove(name: string, signal: AbortSignal | undefined): Promise<void> {
		await this.#parts.bucket.remove(this.#keyOf(name), signal);
	}

	async close(): Promise<void> {
		this.#parts.ownClient?.destroy();
	}

	#keyOf(name: string): string {
		return `${this.#parts.prefix}${name}`;
	}
}
