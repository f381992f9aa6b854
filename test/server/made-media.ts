import { writeFile } from 'node:fs/promises';
import { element, elementHeader, master, type Slices, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { serviceTags } from '#lib/server/wire/chunk-writer.js';

/** One block to be made: 1 is the video, 2 the audio. */
export interface MadeBlock {
	readonly track: number;
	readonly ticks: number;
	readonly keyframe?: boolean;
	readonly durationTicks?: number;
	readonly flags?: number;
	readonly data?: Uint8Array;
}

/** A Matroska file of one cluster per thirty seconds of ticks. */
export function matroska(
	blocks: readonly MadeBlock[],
	{ tracks = [1, 2], scaleNs = 1_000_000 }: { tracks?: number[]; scaleNs?: number } = {},
): Buffer {
	const clusters: Slices[] = [];
	let slices: Uint8Array[] = [];
	let start: number | null = null;
	for (const {
		track,
		ticks,
		keyframe = true,
		durationTicks,
		flags = 0,
		data = Buffer.from(`${track}@${ticks}`),
	} of blocks) {
		if (start !== null && Math.abs(ticks - start) > 30_000) {
			clusters.push(cluster(BigInt(start), slices));
			slices = [];
			start = null;
		}
		start ??= ticks;
		slices.push(
			...block({ trackNumber: track, relativeTicks: ticks - start, keyframe, durationTicks, flags, data }),
		);
	}
	if (start !== null) clusters.push(cluster(BigInt(start), slices));
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(scaleNs),
		...trackList(tracks),
		...clusters.flat(),
	]);
}

/** A chunk as the service records it. */
export function recordedChunk(number: string, producerMs: number, data = 'frame'): Buffer {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...trackList([1]),
		serviceTags({ number, serverMs: producerMs + 500, producerMs }),
		...cluster(0n, block({ trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.from(data) })),
	]);
}

/** The same with the names of the times as GetMediaForFragmentList documents them. */
export function documentedChunk(number: string, producerMs: number): Buffer {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...trackList([1]),
		...tagList({
			AWS_KINESISVIDEO_FRAGMENT_NUMBER: number,
			AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP: String((producerMs + 500) / 1000),
			AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP: String(producerMs / 1000),
		}),
		...cluster(
			0n,
			block({ trackNumber: 1, relativeTicks: 0, keyframe: true, data: Buffer.from('documented') }),
		),
	]);
}

/** An in-band exception, as the service was seen to send it for a fragment it could not find. */
export function exceptionChunk(number: string): Buffer {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...tagList({
			AWS_KINESISVIDEO_ERROR_CODE: 'FRAGMENT_NOT_FOUND',
			AWS_KINESISVIDEO_ERROR_ID: '3000',
			AWS_KINESISVIDEO_FRAGMENT_NUMBER: number,
		}),
	]);
}

/** Writes many small fragments of one frame each, `stepMs` apart, as a recording. */
export async function writeRecordingOf(
	path: string,
	count: number,
	stepMs = 1000,
	firstSequence = 1,
): Promise<string[]> {
	const numbers = Array.from({ length: count }, (_, index) =>
		(
			(1n << 156n) +
			(BigInt(firstSequence + index) << 92n) +
			(BigInt(1_600_000_000_500 + index * stepMs) << 28n)
		).toString(),
	);
	const chunks = numbers.map((number, index) => recordedChunk(number, 1_600_000_000_000 + index * stepMs));
	await writeFile(path, Buffer.concat(chunks));
	return numbers;
}

function trackList(numbers: readonly number[]): Uint8Array[] {
	return master(
		'Tracks',
		numbers.map((number) =>
			master('TrackEntry', [
				unsigned('TrackNumber', number),
				unsigned('TrackUID', number),
				unsigned('TrackType', number === 1 ? 1 : 2),
				string('CodecID', number === 1 ? 'V_MPEG4/ISO/AVC' : 'A_AAC'),
				element('CodecPrivate', [Uint8Array.of(1, 0x42, 0xc0, 0x28)]),
			]),
		),
	);
}

function tagList(values: Record<string, string>): Uint8Array[] {
	const simpleTags = Object.entries(values).map(([name, value]) =>
		master('SimpleTag', [string('TagName', name), string('TagString', value)]),
	);
	return master('Tags', [master('Tag', simpleTags)]);
}
