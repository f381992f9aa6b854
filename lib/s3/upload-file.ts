import { type FileHandle, open } from 'node:fs/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { SinkError } from '../errors.js';
import { fileTrouble } from '../files/file-trouble.js';
import { readFully } from '../files/read-fully.js';
import type { Bucket, UploadId } from './bucket.js';
import { contentTypeOf } from './content-type.js';
import type { UploadRecord } from './upload-record.js';

const MIB = 1024 * 1024;

/** Files up to this size are one request; of larger ones it is the size of a part, unless they had too many. */
const PART_BYTES = 8 * MIB;

/** The most that S3 takes. */
const MAX_PARTS = 10_000;

/** Parts that are in memory and on their way at once. */
const CONNECTIONS = 4;

/** A file of the local disk, and the object that it becomes. */
export interface UploadedFile {
	readonly path: string;
	readonly key: string;
}

/**
 * Makes an object of a file: it is there when it is whole. Holds four parts of 8 MiB, of files over 80 GB larger ones. A failure or an abort
 * removes what was uploaded of it; what a killed process leaves is in the record. Fails with `SinkError` (`KVS_STORAGE_FAILED`,
 * `KVS_SINK_FAILED` where the file cannot be read) and the signal's reason.
 */
export async function uploadFile(
	file: UploadedFile,
	bucket: Bucket,
	record: UploadRecord,
	signal: AbortSignal | undefined,
): Promise<void> {
	const { path, key } = file;
	const handle = await open(path).catch((cause) => {
		const message = `cannot read \`${path}\`, of which \`${bucket.urlOf(key)}\` is made: ${fileTrouble(cause)}`;
		throw new SinkError('KVS_SINK_FAILED', path, message, cause);
	});
	try {
		const { size } = await handle.stat();
		if (size > PART_BYTES) return await uploadInParts({ ...file, handle, size }, bucket, record, signal);
		const bytes = Buffer.allocUnsafeSlow(size);
		await readPart(handle, bytes, 0, path);
		return await bucket.put(key, bytes, contentTypeOf(key), signal);
	} finally {
		await handle.close();
	}
}

interface OpenUpload extends UploadedFile {
	readonly handle: FileHandle;
	readonly size: number;
}

async function uploadInParts(
	file: OpenUpload,
	bucket: Bucket,
	record: UploadRecord,
	signal: AbortSignal | undefined,
): Promise<void> {
	const { key } = file;
	signal?.throwIfAborted();
	await record.begin(key);
	const upload = await bucket.beginUpload(key, contentTypeOf(key));
	try {
		await record.began(upload);
		const parts = await putParts(file, upload, bucket, signal);
		await bucket.finishUpload(upload, parts);
	} catch (error) {
		// What ended it says more than that it cannot be removed: that is left to the next run.
		await bucket.abortUpload(upload).then(
			() => record.over(upload),
			() => {},
		);
		throw error;
	}
	await record.over(upload);
}

async function putParts(
	{ handle, size, path }: OpenUpload,
	upload: UploadId,
	bucket: Bucket,
	signal: AbortSignal | undefined,
): Promise<CompletedPart[]> {
	const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
	const count = Math.ceil(size / partBytes);
	const parts: CompletedPart[] = [];
	let last = 0;
	// The first that fails ends the others.
	const failed = new AbortController();
	const ended = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
	const putSome = async (): Promise<void> => {
		const buffer = Buffer.allocUnsafeSlow(partBytes);
		while (last < count && !ended.aborted) {
			const number = ++last;
			const position = (number - 1) * partBytes;
			const bytes = buffer.subarray(0, Math.min(partBytes, size - position));
			await readPart(handle, bytes, position, path);
			parts[number - 1] = await bucket.putPart({ ...upload, number, bytes }, ended);
		}
	};
	const connections = Array.from({ length: Math.min(CONNECTIONS, count) }, () =>
		putSome().catch((error) => failed.abort(error)),
	);
	await Promise.all(connections);
	ended.throwIfAborted();
	return parts;
}

async function readPart(
	handle: FileHandle,
	bytes: Uint8Array,
	position: number,
	path: string,
): Promise<void> {
	const length = await readFully(handle, bytes, position);
	if (length === bytes.byteLength) return;
	const message = `\`${path}\` ended at byte ${position + length} while it was uploaded`;
	throw new SinkError('KVS_SINK_FAILED', path, message);
}
