import { type FileHandle, open } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { invalidResponse, isRetryableRequest } from '../aws/aws-errors.js';
import type { CallRecord } from '../aws/call-record.js';
import type { ServiceContext } from '../aws/service-context.js';
import { type ArchiveError, MediaError, RequestError } from '../errors.js';
import { Mp4File } from '../media-files/mp4/mp4-file.js';
import { retry } from '../pace/retry.js';
import { unlessStalled } from '../pace/unless-stalled.js';
import { withPermit } from '../pace/with-permit.js';
import { counted } from '../wording/counted.js';
import type { ClipPart } from './clip-parts.js';
import { PartMedia } from './part-media.js';

const OPERATION = 'GetClip';

/** How long nothing may come before the connection is considered dead, in milliseconds. */
const STALL_MS = 30_000;

/** No clip of the service comes near it. */
const MAX_CLIP_BYTES = 512 * 1024 * 1024;

/** What {@link fetchPart} needs besides the part. */
export interface PartContext extends ServiceContext {
	/** Where the part is kept while it is read. Overwritten. */
	readonly path: string;
	readonly signal: AbortSignal;
	readonly onCall: (call: CallRecord) => void;
}

/** A part that has come whole, in a file of its own. To be closed. */
export interface FetchedPart {
	readonly handle: FileHandle;
	readonly sizeBytes: number;
	readonly media: PartMedia;
}

/**
 * Asks the service for the clip of a part, keeps it in a file, and looks whether it is whole: what failed, broke off or
 * stalled is requested again. Rejects with `RequestError`, with `MediaError` for what is not an MP4 file, and with the
 * signal's reason.
 */
export async function fetchPart(part: ClipPart, context: PartContext): Promise<FetchedPart> {
	const { clock, signal } = context;
	return retry(() => attempt(part, context), { isRetryable: isRetryableRequest, signal, clock });
}

async function attempt(part: ClipPart, context: PartContext): Promise<FetchedPart> {
	const handle = await open(context.path, 'w+', 0o600);
	try {
		const sizeBytes = await download(part, handle, context);
		const file = await Mp4File.open(handle, sizeBytes);
		return { handle, sizeBytes, media: await PartMedia.open(file) };
	} catch (error) {
		await handle.close();
		context.signal.throwIfAborted();
		if (!(error instanceof MediaError) || error.code !== 'KVS_MEDIA_TRUNCATED') throw error;
		throw brokenOff(context, error.message, error);
	}
}

async function download(
	{ range, fragments }: ClipPart,
	handle: FileHandle,
	context: PartContext,
): Promise<number> {
	const { client, limiter, clock, signal, onCall } = context;
	// Service quotas: a clip costs its fragments, in points of both kinds.
	const cost = { mediaPoints: fragments, metadataPoints: fragments, signal };
	const body = await withPermit(limiter, cost, (permitted) =>
		client.getClip(range, { ...permitted, onCall }),
	);
	addAbortSignal(signal, body);
	let sizeBytes = 0;
	try {
		for await (const chunk of unlessStalled(body, STALL_MS, clock)) {
			if (sizeBytes + chunk.byteLength > MAX_CLIP_BYTES) {
				throw invalidResponse(OPERATION, client.stream, `has more than ${MAX_CLIP_BYTES} bytes`);
			}
			for (let at = 0; at < chunk.byteLength; ) {
				const { bytesWritten } = await handle.write(chunk, at, chunk.byteLength - at, sizeBytes + at);
				at += bytesWritten;
			}
			sizeBytes += chunk.byteLength;
		}
	} catch (error) {
		signal.throwIfAborted();
		client.checkOpen();
		if (error instanceof RequestError || isOfDisk(error)) throw error;
		throw brokenOff(
			context,
			`broke off after ${counted(sizeBytes, 'byte')} (${(error as Error).message})`,
			error,
		);
	} finally {
		body.destroy();
	}
	return sizeBytes;
}

function brokenOff({ client }: PartContext, said: string, cause: unknown): ArchiveError {
	return invalidResponse(OPERATION, client.stream, said, { retryable: true, cause });
}

/** Writing to the disk fails with a system call's error. */
function isOfDisk(error: unknown): boolean {
	return (error as NodeJS.ErrnoException).syscall === 'write';
}
