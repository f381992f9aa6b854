import { crc32 } from 'node:zlib';
import type { FileWriter } from '../../files/file-writer.js';
import { pictureFields } from '../../gaps/picture-span.js';
import type { FileMedia } from '../../media-files/file-media.js';
import { FRAGMENT_NUMBER_RANDOM_RANGE, mintFragmentNumber } from '../store/fragment-number.js';
import { INGEST_DELAY_MS, type StoredFragment } from '../store/stored-fragment.js';
import { chunkHead, MAX_SERVICE_TAGS_BYTES, serviceTags } from '../wire/chunk-writer.js';
import { FragmentCutter } from './fragment-cutter.js';

/** What {@link writeFragments} works on. */
export interface FragmentsInput {
	readonly media: FileMedia;
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
 * Cuts a file's media into fragments and writes each as the chunk that will be served. Returns them in file order. Holds one
 * fragment at a time. Rejects as the media does.
 */
export async function writeFragments(input: FragmentsInput, writer: FileWriter): Promise<StoredFragment[]> {
	const { tracks, timecodeScaleNs, firstTicks, lastTicks, videoTrackNumber } = input.media;
	const head = chunkHead(
		timecodeScaleNs,
		tracks.map(({ entry }) => entry),
	);
	const cutter = new FragmentCutter({
		timecodeScaleNs,
		firstTicks,
		trackNumbers: new Set(tracks.map(({ number }) => number)),
		videoTrackNumber,
		chunkOverheadBytes: head.byteLength + MAX_SERVICE_TAGS_BYTES,
	});
	const toMs = (ticks: number) => (ticks * timecodeScaleNs) / 1e6;
	const startMs = input.startMs ?? input.nowMs - toMs(lastTicks);
	const fragments: StoredFragment[] = [];
	let sequence = input.firstSequence;
	for await (const _ of input.media.feed(cutter, input.signal)) {
		for (const { headerTags, cluster, startTicks, lengthTicks, frames, pictures } of cutter.finished.splice(
			0,
		)) {
			const producerMs = Math.round(startMs + toMs(startTicks));
			const serverMs = producerMs + INGEST_DELAY_MS;
			const random = input.randomInt(FRAGMENT_NUMBER_RANDOM_RANGE);
			const number = mintFragmentNumber({ sequence: sequence++, serverMs, random });
			const { offset } = writer;
			let checksum = 0;
			for (const slice of [head, ...headerTags, serviceTags({ number, serverMs, producerMs }), ...cluster]) {
				checksum = crc32(slice, checksum);
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
				...pictureFields(pictures, toMs(1)),
				crc32: checksum,
			});
		}
	}
	return fragments;
}
