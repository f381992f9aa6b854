import type { FileHandle } from 'node:fs/promises';
import { MediaError } from '../../errors.js';
import type { FileWriter } from '../../files/file-writer.js';
import { decodedBlocks } from '../../mkv/decoded-blocks.js';
import { MatroskaParser } from '../../mkv/matroska-parser.js';
import { FRAGMENT_NUMBER_RANDOM_RANGE, mintFragmentNumber } from '../store/fragment-number.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { chunkHead, MAX_SERVICE_TAGS_BYTES, serviceTags } from '../wire/chunk-writer.js';
import type { ScannedDocument } from './document-scan.js';
import { FragmentCutter } from './fragment-cutter.js';
import { readBytes } from './input-file.js';
import { pictureFields } from './picture-span.js';

/** How much later than the producer's time the service seems to have begun to receive a fragment. */
const SERVER_DELAY_MS = 1000;

/** What {@link writeFragments} works on. */
export interface FragmentsInput {
	readonly handle: FileHandle;
	readonly sizeBytes: number;
	readonly documents: readonly ScannedDocument[];
	/** Producer time of the file's first frame, epoch milliseconds; null to let its last frame be `nowMs`. */
	readonly startMs: number | null;
	readonly nowMs: number;
	/** Sequence of the first fragment's number. */
	readonly firstSequence: bigint;
	readonly randomInt: (exclusiveMax: number) => number;
	/** Path the payload will have in the end. */
	readonly payload: string;
	readonly signal: AbortSignal;
}

/**
 * Cuts a Matroska file into fragments and writes each as the chunk that will be served. Returns them in file order.
 * Holds one fragment at a time. Throws `MediaError` for a file without tracks or frames, or with several documents.
 */
export async function writeFragments(input: FragmentsInput, writer: FileWriter): Promise<StoredFragment[]> {
	const { document, firstTicks } = usableDocument(input.documents);
	const { timecodeScaleNs, tracks } = document;
	const head = chunkHead(
		timecodeScaleNs,
		tracks.map(({ entry }) => entry),
	);
	const video = tracks.find(({ type, number }) => type === 'video' && document.trackNumbersSeen.has(number));
	const cutter = new FragmentCutter({
		timecodeScaleNs,
		firstTicks,
		trackNumbers: new Set(tracks.map(({ number }) => number)),
		videoTrackNumber: video?.number ?? null,
		chunkOverheadBytes: head.byteLength + MAX_SERVICE_TAGS_BYTES,
	});
	const toMs = (ticks: number) => (ticks * timecodeScaleNs) / 1e6;
	const startMs = input.startMs ?? input.nowMs - toMs(document.maxTicks);
	const fragments: StoredFragment[] = [];
	let sequence = input.firstSequence;

	const parser = new MatroskaParser(decodedBlocks(tracks, cutter));
	for await (const bytes of readBytes(input.handle, 0, input.sizeBytes, input.signal)) {
		parser.write(bytes);
		await writeFinished();
	}
	const error = parser.end();
	if (error !== null) throw error;
	await writeFinished();
	return fragments;

	async function writeFinished(): Promise<void> {
		for (const { cluster, startTicks, lengthTicks, frames, ...picture } of cutter.finished.splice(0)) {
			const producerMs = Math.round(startMs + toMs(startTicks));
			const serverMs = producerMs + SERVER_DELAY_MS;
			const random = input.randomInt(FRAGMENT_NUMBER_RANDOM_RANGE);
			const number = mintFragmentNumber({ sequence: sequence++, serverMs, random });
			const { offset } = writer;
			for (const slice of [head, serviceTags({ number, serverMs, producerMs }), ...cluster]) {
				await writer.write(slice);
			}
			fragments.push({
				number,
				payload: input.payload,
				offset,
				sizeBytes: writer.offset - offset,
				producerMs,
				serverMs,
				lengthMs: Math.round(toMs(lengthTicks)),
				frames,
				...pictureFields(picture.pictures, toMs(picture.picturesTicks)),
			});
		}
	}
}

function usableDocument(documents: readonly ScannedDocument[]): {
	document: ScannedDocument;
	firstTicks: bigint;
} {
	const [document] = documents;
	if (document === undefined || document.tracks.length === 0) throw unsupported('a file without tracks');
	if (documents.length > 1) {
		throw unsupported(
			`${documents.length} documents in one file, none of which carries a fragment number of the service`,
		);
	}
	if (document.firstTicks === null) throw unsupported('a file without frames');
	return { document, firstTicks: document.firstTicks };
}

function unsupported(message: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message);
}
