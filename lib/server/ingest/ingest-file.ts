import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError, MediaError } from '../../errors.js';
import { FileWriter } from '../../files/file-writer.js';
import type { FragmentIndex } from '../store/fragment-index.js';
import { firstSequenceAfter } from '../store/fragment-number.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { mediaTypeOf } from '../wire/media-type.js';
import { DocumentScan, type ScannedDocument } from './document-scan.js';
import { type InputFile, openInput, readBytes } from './input-file.js';
import { convertToMatroska } from './mp4-to-matroska.js';
import { writeFragments } from './write-fragments.js';
import { isRecording, writeRecording } from './write-recording.js';

/** What {@link ingestFile} works on. */
export interface IngestJob {
	readonly file: string;
	/** Producer time of the first frame, epoch milliseconds; null to let the last frame be now. Recordings ignore it. */
	readonly startMs: number | null;
	/** An empty directory for temporary files, which the caller removes. */
	readonly workDirectory: string;
	/** Whether the stream has a file of that digest already. */
	isKnown(digest: string): boolean;
	/** Path a payload of that digest will have in the end. */
	payloadPath(digest: string): string;
	/** What the stream has already. */
	readonly existing: FragmentIndex;
	readonly now: () => number;
	readonly randomInt: (exclusiveMax: number) => number;
	readonly signal: AbortSignal;
}

/** A file whose payload is written and durable, but not yet in its place; null where the stream has the file already. */
export interface WrittenFile {
	/** SHA-256 of the input. */
	readonly digest: string;
	readonly written: {
		/** The temporary payload file. */
		readonly payload: string;
		readonly fragments: readonly StoredFragment[];
		readonly skippedDocuments: number;
		readonly mediaType: string;
	} | null;
}

/**
 * Turns a media file into the payload that will be served: a recorded payload of the service as it is, anything else cut
 * into fragments. Reads the file twice and holds no more than one fragment of it.
 *
 * Throws `ArchiveError`, `MediaError`, the system's error or the signal's reason; {@link ingestError} names the file.
 */
export async function ingestFile(job: IngestJob): Promise<WrittenFile> {
	const input = await openInput(job.file);
	try {
		const { digest, documents } = await readWhole(input, job.signal);
		if (job.isKnown(digest)) return { digest, written: null };
		const payload = join(job.workDirectory, 'payload.mkv');
		if (documents !== null) {
			const written = await writePayload(job, payload, digest, input.handle, input.sizeBytes, documents);
			return { digest, written };
		}
		const converted = await convert(input, job);
		try {
			const scan = await readWhole(converted, job.signal);
			const { handle, sizeBytes } = converted;
			const written = await writePayload(job, payload, digest, handle, sizeBytes, scan.documents ?? []);
			return { digest, written };
		} finally {
			await converted.handle.close();
		}
	} finally {
		await input.handle.close();
	}
}

/** The first reading: the digest, and where it is Matroska, what is in it. */
async function readWhole(
	{ handle, sizeBytes, container }: InputFile,
	signal: AbortSignal,
): Promise<{ digest: string; documents: readonly ScannedDocument[] | null }> {
	const hash = createHash('sha256');
	const scan = container === 'matroska' ? new DocumentScan() : null;
	for await (const bytes of readBytes(handle, 0, sizeBytes, signal)) {
		hash.update(bytes);
		scan?.write(bytes);
	}
	scan?.end();
	return { digest: hash.digest('hex'), documents: scan?.documents ?? null };
}

async function convert(input: InputFile, job: IngestJob): Promise<InputFile> {
	const target = join(job.workDirectory, 'converted.mkv');
	await convertToMatroska(input, target, job.signal);
	return openInput(target);
}

async function writePayload(
	job: IngestJob,
	payload: string,
	digest: string,
	handle: FileHandle,
	sizeBytes: number,
	documents: readonly ScannedDocument[],
): Promise<WrittenFile['written']> {
	const { signal, startMs, existing, randomInt } = job;
	const target = { handle, documents, payload: job.payloadPath(digest), signal };
	const writer = await FileWriter.create(payload);
	try {
		let fragments: readonly StoredFragment[];
		let skippedDocuments = 0;
		if (isRecording(documents)) {
			({ fragments, skippedDocuments } = await writeRecording({ ...target, existing }, writer));
			if (skippedDocuments === documents.length) {
				throw new MediaError('KVS_MEDIA_UNSUPPORTED', 'a recorded payload without any fragment');
			}
		} else {
			const nowMs = job.now();
			const firstSequence = firstSequenceAfter(existing.highestSequence);
			fragments = await writeFragments(
				{ ...target, sizeBytes, startMs, nowMs, firstSequence, randomInt },
				writer,
			);
		}
		await writer.finish();
		return { payload, fragments, skippedDocuments, mediaType: mediaTypeOf(documents[0]?.tracks ?? []) };
	} finally {
		await writer.close();
	}
}

/** The error of an ingest as one line that names the file: a `MediaError` stays one, anything else is `KVS_INGEST_FAILED`. */
export function ingestError(file: string, error: unknown): ArchiveError {
	const what = `cannot ingest \`${file}\``;
	if (error instanceof MediaError) {
		return new MediaError(error.code, `${what}: ${error.message}`, { offset: error.offset, cause: error });
	}
	const { code, message } = error as NodeJS.ErrnoException;
	const reason = code === 'ENOENT' ? 'there is no such file' : message;
	return new ArchiveError('KVS_INGEST_FAILED', `${what}: ${reason}`, { cause: error });
}
