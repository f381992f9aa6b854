import { elementHeader, float, master, type Slices, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { type BlockFields, block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';

/** A fragment of a made-up recording. */
export interface FragmentFixture {
	readonly number: string;
	readonly producerMs: number;
	/** @default the producer's time plus a second */
	readonly serverMs?: number;
	readonly tracks?: readonly Slices[];
	/** @default one key frame of ten bytes */
	readonly blocks?: readonly BlockFields[];
	/** @default 0 */
	readonly timecode?: bigint;
	/** Elements that the producer put before the Cluster, and after it. @default none */
	readonly before?: Slices;
	readonly after?: Slices;
}

/** A TrackEntry. */
export function trackEntry(
	number: number,
	type: 'video' | 'audio',
	codecId: string,
	more: readonly Slices[] = [],
): Uint8Array[] {
	return master('TrackEntry', [
		unsigned('TrackNumber', number),
		unsigned('TrackUID', number),
		unsigned('TrackType', type === 'video' ? 1 : 2),
		unsigned('FlagLacing', 0),
		string('CodecID', codecId),
		...more,
	]);
}

/** A video track of no codec that anyone knows. */
export const videoTrack = trackEntry(1, 'video', 'V_TEST', [
	master('Video', [unsigned('PixelWidth', 320), unsigned('PixelHeight', 240)]),
]);

/** An audio track of no known codec. */
export const audioTrack = trackEntry(2, 'audio', 'A_TEST', [
	master('Audio', [float('SamplingFrequency', 8000), unsigned('Channels', 1)]),
]);

/** Frame `index` of track 1, ten bytes long unless it is to be longer, distinct from all others. */
export function frameBlock(
	index: number,
	{ keyframe = false, relativeTicks = index * 40, trackNumber = 1, sizeBytes = 10 } = {},
): BlockFields {
	return {
		trackNumber,
		relativeTicks,
		keyframe,
		data: Buffer.from(`frame-${String(index).padStart(4, '0')}`.padEnd(sizeBytes, '.')),
	};
}

/** A Tags element of these names and values. */
export function tags(...pairs: readonly (readonly [name: string, value: string])[]): Uint8Array[] {
	const simpleTags = pairs.map(([name, value]) =>
		master('SimpleTag', [string('TagName', name), string('TagString', value)]),
	);
	return master('Tags', [master('Tag', simpleTags)]);
}

/** The service's tags of a fragment, or of a failure. */
export function serviceTags(values: Readonly<Record<string, string>>): Uint8Array[] {
	return tags(...Object.entries(values).map(([name, value]) => [`AWS_KINESISVIDEO_${name}`, value] as const));
}

/** One document of a recording, in the service's layout. */
export function fragmentDocument(fragment: FragmentFixture): Buffer {
	const { number, producerMs, serverMs = producerMs + 1000, tracks = [videoTrack], timecode = 0n } = fragment;
	const blocks = fragment.blocks ?? [frameBlock(0, { keyframe: true })];
	const seconds = (ms: number): string => (ms / 1000).toFixed(3);
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...master('Tracks', tracks),
		...(fragment.before ?? []),
		...serviceTags({
			FRAGMENT_NUMBER: number,
			SERVER_TIMESTAMP: seconds(serverMs),
			PRODUCER_TIMESTAMP: seconds(producerMs),
		}),
		...cluster(
			timecode,
			blocks.flatMap((fields) => block(fields)),
		),
		...(fragment.after ?? []),
	]);
}

/** A document that says a fragment could not be had, in the service's layout. */
export function failureDocument(tags: Readonly<Record<string, string>>): Buffer {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...serviceTags(tags),
	]);
}

/** Fragment number `index` of a recording: 47 digits, as the service's. */
export function fragmentNumber(index: number): string {
	return `9134385233318143239${String(index).padStart(28, '0')}`;
}

/** A recording of fragments of 2 s from `startMs` on, two frames each, of ten bytes unless they are to have more. */
export function recording(
	count: number,
	{ startMs = Date.UTC(2026, 0, 31), stepMs = 2000, firstNumber = 1, frameBytes: sizeBytes = 10 } = {},
): Buffer {
	return Buffer.concat(
		Array.from({ length: count }, (_, index) =>
			fragmentDocument({
				number: fragmentNumber(index + firstNumber),
				producerMs: startMs + index * stepMs,
				blocks: [
					frameBlock(2 * index, { keyframe: true, relativeTicks: 0, sizeBytes }),
					frameBlock(2 * index + 1, { relativeTicks: 1000, sizeBytes }),
				],
			}),
		),
	);
}
