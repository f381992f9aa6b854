import type { Readable } from 'node:stream';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import type { SinkError } from '../errors.js';
import type { S3Sdk } from './s3-client.js';
import { isS3Error, s3Failure } from './s3-failure.js';

/** What an object is at a time. */
export interface ObjectState {
	readonly sizeBytes: number;
	readonly etag: string;
}

/** What came of an object, whose size is that of what came. */
export interface ObjectBody extends ObjectState {
	readonly bytes: Readable;
	/** By the clock of S3. */
	readonly modified: Date | null;
}

/** An upload in parts. */
export interface UploadId {
	readonly key: string;
	readonly uploadId: string;
}

/** A part of an upload. */
export interface UploadPart extends UploadId {
	/** From 1 on. */
	readonly number: number;
	/** The caller's again when the request is over. */
	readonly bytes: Uint8Array;
}

/**
 * The requests that are made of one bucket. Each fails with `SinkError` (`KVS_STORAGE_FAILED`), whose message names the object; an abort
 * rejects with the signal's reason.
 */
export class Bucket {
	readonly name: string;
	readonly #sdk: S3Sdk;
	readonly #client: S3Client;

	constructor(name: string, sdk: S3Sdk, client: S3Client) {
		this.name = name;
		this.#sdk = sdk;
		this.#client = client;
	}

	/** For messages. */
	urlOf(key: string): string {
		return `s3://${this.name}/${key}`;
	}

	/** The error of something that failed with an object. */
	failure(error: unknown, tried: string, key: string): SinkError {
		return s3Failure(error, tried, this.urlOf(key));
	}

	/** Writes an object at once. */
	async put(key: string, bytes: Uint8Array, contentType: string, signal?: AbortSignal): Promise<void> {
		const { PutObjectCommand } = this.#sdk;
		const input = { Bucket: this.name, Key: key, Body: bytes, ContentType: contentType };
		await this.#attempt('write', key, signal, (options) =>
			this.#client.send(new PutObjectCommand(input), options),
		);
	}

	/** An object from a byte on; null where there is none. With `etag` of no other than that. */
	async get(
		key: string,
		{ from = 0, etag }: { from?: number; etag?: string },
		signal?: AbortSignal,
	): Promise<ObjectBody | null> {
		const { GetObjectCommand } = this.#sdk;
		const input = {
			Bucket: this.name,
			Key: key,
			...(from > 0 && { Range: `bytes=${from}-` }),
			...(etag !== undefined && { IfMatch: etag }),
		};
		return this.#attempt('read', key, signal, async (options) => {
			try {
				const got = await this.#client.send(new GetObjectCommand(input), options);
				return {
					bytes: got.Body as Readable,
					sizeBytes: got.ContentLength ?? 0,
					etag: got.ETag ?? '',
					modified: got.LastModified ?? null,
				};
			} catch (error) {
				if (isS3Error(error, 'NoSuchKey')) return null;
				throw error;
			}
		});
	}

	/** What an object is; null where there is none. */
	async stateOf(key: string): Promise<ObjectState | null> {
		const { HeadObjectCommand } = this.#sdk;
		return this.#attempt('read', key, undefined, async () => {
			try {
				const input = { Bucket: this.name, Key: key };
				const { ContentLength = 0, ETag = '' } = await this.#client.send(new HeadObjectCommand(input));
				return { sizeBytes: ContentLength, etag: ETag };
			} catch (error) {
				if (isS3Error(error, 'NotFound')) return null;
				throw error;
			}
		});
	}

	/** Keys that begin so and have no further slash, in their order. */
	async *keys(prefix: string): AsyncGenerator<string> {
		const { ListObjectsV2Command } = this.#sdk;
		let ContinuationToken: string | undefined;
		do {
			const input = { Bucket: this.name, Prefix: prefix, Delimiter: '/', ContinuationToken };
			const page = await this.#attempt('list', prefix, undefined, () =>
				this.#client.send(new ListObjectsV2Command(input)),
			);
			for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
			ContinuationToken = page.NextContinuationToken;
		} while (ContinuationToken !== undefined);
	}

	/** Removes an object, if it is there. */
	async remove(key: string, signal?: AbortSignal): Promise<void> {
		const { DeleteObjectCommand } = this.#sdk;
		const input = { Bucket: this.name, Key: key };
		await this.#attempt('remove', key, signal, (options) =>
			this.#client.send(new DeleteObjectCommand(input), options),
		);
	}

	/** Begins an upload in parts. It is not to be aborted: whether it was begun would not be known. */
	async beginUpload(key: string, contentType: string): Promise<UploadId> {
		const { CreateMultipartUploadCommand } = this.#sdk;
		const checksum = await this.#checksum();
		const input = { Bucket: this.name, Key: key, ContentType: contentType, ...checksum };
		return this.#attempt('write', key, undefined, async () => {
			const { UploadId: uploadId } = await this.#client.send(new CreateMultipartUploadCommand(input));
			if (uploadId === undefined) throw new TypeError('the response has no UploadId');
			return { key, uploadId };
		});
	}

	/** Uploads a part. */
	async putPart({ key, uploadId, number, bytes }: UploadPart, signal?: AbortSignal): Promise<CompletedPart> {
		const { UploadPartCommand } = this.#sdk;
		const upload = { Bucket: this.name, Key: key, UploadId: uploadId };
		const input = { ...upload, PartNumber: number, Body: bytes, ...(await this.#checksum()) };
		return this.#attempt('write', key, signal, async (options) => {
			const { ETag, ChecksumCRC32 } = await this.#client.send(new UploadPartCommand(input), options);
			return { PartNumber: number, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
		});
	}

	/** Makes a part of what an object of the same key is. S3 takes 5 MiB to 5 GiB. */
	async copyPart({ key, uploadId }: UploadId, number: number, { etag }: ObjectState): Promise<CompletedPart> {
		const { UploadPartCopyCommand } = this.#sdk;
		const source = `${this.name}/${key.split('/').map(encodeURIComponent).join('/')}`;
		const upload = { Bucket: this.name, Key: key, UploadId: uploadId, PartNumber: number };
		const input = { ...upload, CopySource: source, CopySourceIfMatch: etag };
		return this.#attempt('write', key, undefined, async () => {
			const { CopyPartResult } = await this.#client.send(new UploadPartCopyCommand(input));
			const { ETag, ChecksumCRC32 } = CopyPartResult ?? {};
			return { PartNumber: number, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
		});
	}

	/** Makes an object of the parts, in their order. */
	async finishUpload({ key, uploadId }: UploadId, parts: readonly CompletedPart[]): Promise<void> {
		const { CompleteMultipartUploadCommand } = this.#sdk;
		const upload = { Bucket: this.name, Key: key, UploadId: uploadId };
		const input = { ...upload, MultipartUpload: { Parts: [...parts] } };
		await this.#attempt('write', key, undefined, () =>
			this.#client.send(new CompleteMultipartUploadCommand(input)),
		);
	}

	/** Removes an upload and its parts, if it is there. */
	async abortUpload({ key, uploadId }: UploadId): Promise<void> {
		const { AbortMultipartUploadCommand } = this.#sdk;
		const input = { Bucket: this.name, Key: key, UploadId: uploadId };
		await this.#attempt('remove the upload of', key, undefined, async () => {
			try {
				await this.#client.send(new AbortMultipartUploadCommand(input));
			} catch (error) {
				if (!isS3Error(error, 'NoSuchUpload')) throw error;
			}
		});
	}

	/** The uploads of an object that were begun at a time or later, by the clock of S3. */
	async uploadsSince(key: string, since: Date): Promise<UploadId[]> {
		const { ListMultipartUploadsCommand } = this.#sdk;
		return this.#attempt('list the uploads of', key, undefined, async () => {
			const found: UploadId[] = [];
			let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
			for (;;) {
				const input = { Bucket: this.name, Prefix: key, ...after };
				const page = await this.#client.send(new ListMultipartUploadsCommand(input));
				for (const { Key, UploadId: uploadId, Initiated } of page.Uploads ?? []) {
					if (Key !== key || uploadId === undefined || Initiated === undefined) continue;
					if (Initiated >= since) found.push({ key, uploadId });
				}
				const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
				if (IsTruncated !== true || KeyMarker === undefined || UploadIdMarker === undefined) return found;
				after = { KeyMarker, UploadIdMarker };
			}
		});
	}

	/** As the SDK's own uploads have it: all parts of an upload have the checksum that it was begun with. */
	async #checksum(): Promise<{ ChecksumAlgorithm?: 'CRC32' }> {
		const when = await this.#client.config.requestChecksumCalculation();
		return when === 'WHEN_SUPPORTED' ? { ChecksumAlgorithm: 'CRC32' } : {};
	}

	async #attempt<Result>(
		tried: string,
		key: string,
		signal: AbortSignal | undefined,
		act: (options: { abortSignal?: AbortSignal }) => Promise<Result>,
	): Promise<Result> {
		signal?.throwIfAborted();
		try {
			return await act(signal === undefined ? {} : { abortSignal: signal });
		} catch (error) {
			signal?.throwIfAborted();
			throw this.failure(error, tried, key);
		}
	}
}
