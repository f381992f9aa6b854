import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ArchiveError, MediaError } from '../../errors.js';
import type { FileWriter } from '../../files/file-writer.js';
import { pictureFields } from '../../gaps/picture-span.js';
import { readBytes } from '../../media-files/input-file.js';
import type { FragmentIndex } from '../store/fragment-index.js';
import { FRAGMENT_NUMBER_PATTERN, type StoredFragment } from '../store/stored-fragment.js';
import type { ScannedDocument } from './document-scan.js';

/** What {@link writeRecording} works on. */
export interface RecordingInput {
	readonly handle: FileHandle;
	readonly documents: readonly ScannedDocument[];
	/** Where the file ends inside its last document; null where that one is whole. */
	readonly cutMessage: string | null;
	/** The fragments that the stream has already. */
	readonly existing: FragmentIndex;
	/** Path the payload will have in the end. */
	readonly payload: string;
	readonly signal: AbortSignal;
}

/** The result of {@link writeRecording}. */
export interface WrittenRecording {
	/** The fragments that are new to the stream, in file order. */
	readonly fragments: StoredFragment[];
	/** Documents that hold no fragment: in-band exceptions, tags without number and media, and one that is cut off. */
	readonly skippedDocuments: number;
	/** What of the file is not taken, and why. */
	readonly omissions: readonly string[];
}

/** Whether a file is a recorded payload of the service: some document carries a fragment number. */
export function isRecording(documents: readonly ScannedDocument[]): boolean {
	return documents.some(({ number }) => number !== null);
}

/**
 * Copies the fragments of a recorded payload, byte for byte and with their own numbers and times. One that the stream has
 * already is left out if its bytes are the same, else `ArchiveError` (`KVS_INGEST_FAILED`). `MediaError` where a document
 * with media lacks its number or times.
 */
export async function writeRecording(input: RecordingInput, writer: FileWriter): Promise<WrittenRecording> {
	const fragments = new Map<string, StoredFragment>();
	const places = new Map<string, ScannedDocument>();
	const omissions: string[] = [];
	let skippedDocuments = 0;
	for (const [index, document] of input.documents.entries()) {
		const { number } = document;
		if (input.cutMessage !== null && index === input.documents.length - 1) {
			const name = number === null ? 'the document' : `fragment ${number}`;
			omissions.push(`${input.cutMessage}; ${name} that begins at byte ${document.offset} is left out`);
			skippedDocuments++;
			continue;
		}
		if (document.frames === 0 && (document.isException || number === null)) {
			skippedDocuments++;
			continue;
		}
		const fragment = describe(document, input.payload, writer.offset);
		const stored = input.existing.get(fragment.number);
		const earlier = places.get(fragment.number);
		if (stored !== undefined) {
			await requireSame(input, document, stored.payload, stored.offset, stored.sizeBytes);
		} else if (earlier !== undefined) {
			await requireSame(input, document, input.handle, earlier.offset, earlier.end - earlier.offset);
		} else {
			let checksum = 0;
			for await (const bytes of readBytes(input.handle, document.offset, document.end, input.signal)) {
				checksum = crc32(bytes, checksum);
				await writer.write(bytes);
			}
			fragments.set(fragment.number, { ...fragment, crc32: checksum });
			places.set(fragment.number, document);
		}
	}
	return { fragments: [...fragments.values()], skippedDocuments, omissions };
}

function describe(document: ScannedDocument, payload: string, offset: number): StoredFragment {
	const { number, serverMs, producerMs, pictures } = document;
	if (number === null || !FRAGMENT_NUMBER_PATTERN.test(number)) {
		throw incomplete(document, number === null ? 'no fragment number' : `the fragment number \`${number}\``);
	}
	if (serverMs === null || producerMs === null) {
		throw incomplete(document, `no ${serverMs === null ? 'server' : 'producer'} timestamp`);
	}
	return {
		number,
		payload,
		offset,
		sizeBytes: document.end - document.offset,
		producerMs,
		serverMs,
		lengthMs: Math.round(((document.maxTicks - document.minTicks) * document.timecodeScaleNs) / 1e6),
		frames: document.frames,
		...pictureFields(pictures, document.timecodeScaleNs / 1e6),
	};
}

function incomplete({ offset }: ScannedDocument, what: string): MediaError {
	return new MediaError(
		'KVS_MEDIA_UNSUPPORTED',
		`the document at byte ${offset} of a recorded payload has ${what}`,
		{ offset },
	);
}

async function requireSame(
	{ handle, signal }: RecordingInput,
	{ offset, end, number }: ScannedDocument,
	other: FileHandle | string,
	otherOffset: number,
	otherBytes: number,
): Promise<void> {
	let isSame = end - offset === otherBytes;
	const otherHandle = typeof other === 'string' ? await open(other, 'r') : other;
	try {
		const theirs = readBytes(otherHandle, otherOffset, otherOffset + otherBytes, signal);
		if (isSame) {
			for await (const ours of readBytes(handle, offset, end, signal)) {
				// Both sides are read in steps of one size, so the chunks have the same borders.
				const { value } = await theirs.next();
				isSame &&= value instanceof Buffer && ours.equals(value);
			}
		}
	} finally {
		if (otherHandle !== other) await otherHandle.close();
	}
	if (!isSame) {
		throw new ArchiveError(
			'KVS_INGEST_FAILED',
			`the stream already has a fragment ${number} with other bytes than the document at byte ${offset}`,
		);
	}
}
