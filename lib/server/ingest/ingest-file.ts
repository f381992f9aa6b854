import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ArchiveError, MediaError } from '../../errors.js';
import { FileWriter } from '../../files/file-writer.js';
import { type InputFile, openInput, readBytes } from '../../media-files/input-file.js';
import { openMp4 } from '../../media-files/mp4/mp4-media.js';
import { readTrouble } from '../../wording/system-trouble.js';
import type { FragmentIndex } from '../store/fragment-index.js';
import { firstSequenceAfter } from '../store/fragment-number.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { mediaTypeOf } from '../wire/media-type.js';
import { DocumentScan, type ScannedDocument } from './document-scan.js';
import { openMatroska } from './matroska-media.js';
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
	/** The fragments that the stream has already. */
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
		/** What of the file is not taken, and why: one sentence each. */
		readonly omissions: readonly string[];
		readonly mediaType: string;
	} | null;
}

/**
 * Turns a media file into the payload that will be served: a recorded payload of the service as it is, anything else cut
 * into fragments. Reads the file twice and holds no more than one fragment of it. What of a file is not taken is named.
 *
 * Throws `ArchiveError`, `MediaError`, the system's error or the signal's reason; {@link ingestError} names the file.
 */
export async function ingestFile(job: IngestJob): Promise<WrittenFile> {
	const input = await openInput(job.file);
	try {
		const { digest, scan } = await readWhole(input, job.signal);
		if (job.isKnown(digest)) return { digest, written: null };
		return { digest, written: await writePayload(job, input, digest, scan) };
	} finally {
		await input.handle.close();
	}
}

/** What the first reading found in a Matroska file. */
interface ScannedFile {
	readonly documents: readonly ScannedDocument[];
	/** Where the file ends inside an element, in a sentence; null where it is whole. */
	readonly cutMessage: string | null;
}

/** The first reading: the digest, and where it is Matroska, what is in it. */
async function readWhole(
	{ handle, sizeBytes, container }: InputFile,
	signal: AbortSignal,
): Promise<{ digest: string; scan: ScannedFile | null }> {
	const hash = createHash('sha256');
	const scan = container === 'matroska' ? new DocumentScan() : null;
	for await (const bytes of readBytes(handle, 0, sizeBytes, signal)) {
		hash.update(bytes);
		scan?.write(bytes);
	}
	const digest = hash.digest('hex');
	if (scan === null) return { digest, scan: null };
	const cut = scan.end();
	// Without a complete frame there is nothing to ingest.
	if (cut !== null && scan.documents.every(({ frames }) => frames === 0)) throw cut;
	return { digest, scan: { documents: scan.documents, cutMessage: cut?.message ?? null } };
}

async function writePayload(
	job: IngestJob,
	{ handle, sizeBytes }: InputFile,
	digest: string,
	scan: ScannedFile | null,
): Promise<WrittenFile['written']> {
	const { signal, startMs, existing, randomInt } = job;
	const file = join(job.workDirectory, 'payload.mkv');
	const target = { payload: job.payloadPath(digest), signal };
	const writer = await FileWriter.create(file);
	try {
		if (scan !== null && isRecording(scan.documents)) {
			const recording = await writeRecording({ ...target, ...scan, handle, existing }, writer);
			if (recording.skippedDocuments === scan.documents.length) {
				const code = scan.cutMessage === null ? 'KVS_MEDIA_UNSUPPORTED' : 'KVS_MEDIA_TRUNCATED';
				const what = ['a recorded payload without any whole fragment', ...recording.omissions];
				throw new MediaError(code, what.join(': '));
			}
			await writer.finish();
			return { payload: file, ...recording, mediaType: mediaTypeOf(scan.documents[0]?.tracks ?? []) };
		}
		const media =
			scan === null
				? await openMp4(handle, sizeBytes, signal)
				: openMatroska(handle, sizeBytes, scan.documents, scan.cutMessage);
		const nowMs = job.now();
		const firstSequence = firstSequenceAfter(existing.highestSequence);
		const fragments = await writeFragments(
			{ ...target, media, startMs, nowMs, firstSequence, randomInt },
			writer,
		);
		await writer.finish();
		const { omissions, tracks } = media;
		return { payload: file, fragments, skippedDocuments: 0, omissions, mediaType: mediaTypeOf(tracks) };
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
	const { code = '' } = error as NodeJS.ErrnoException;
	const where = FULL.has(code) ? 'it cannot be written into the data directory: ' : '';
	return new ArchiveError('KVS_INGEST_FAILED', `${what}: ${where}${readTrouble(error)}`, { cause: error });
}

/** The system's error codes for a full disk. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
