import {
	element,
	elementHeader,
	master,
	type SizeOptions,
	type Slices,
	unsigned,
} from '#lib/ebml/ebml-writer.js';
import { type BlockFields, block, cluster, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { audioTrack, tags, videoTrack } from '../../helpers/media/payload.js';

export { tags } from '../../helpers/media/payload.js';

/** An element of unknown size. */
export const UNSIZED: SizeOptions = { isSizeUnknown: true };

/** The Tags with which producers end a fragment. */
export const endOfFragment = tags(['AWS_KINESISVIDEO_END_OF_FRAGMENT', '']);

/** A Void of so many bytes. */
export function voidElement(bodyBytes: number): Uint8Array[] {
	return element('Void', [new Uint8Array(bodyBytes)]);
}

/** What a producer sends first. */
export function header({
	tracks = [videoTrack],
	timecodeScaleNs = 1_000_000,
	more = [],
}: {
	tracks?: readonly Slices[];
	timecodeScaleNs?: number;
	more?: Slices;
} = {}): Buffer {
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, UNSIZED),
		...info(timecodeScaleNs),
		...master('Tracks', tracks),
		...more,
	]);
}

/** Tracks of a camera with a microphone: number 1 and 2. */
export const bothTracks: readonly Slices[] = [videoTrack, audioTrack];

/** A frame of ten bytes. */
export function frame(relativeTicks: number, fields: Partial<BlockFields> = {}): BlockFields {
	const data = Buffer.from(`frame${String(relativeTicks).padStart(5, '0')}`);
	return { trackNumber: 1, relativeTicks, keyframe: relativeTicks === 0, data, ...fields };
}

/** A Cluster; of known size unless `options` say otherwise. */
export function clusterOf(
	timecode: bigint | number,
	blocks: readonly BlockFields[] = [frame(0), frame(40)],
	options: SizeOptions = {},
): Buffer {
	const slices = blocks.flatMap((fields) => block(fields));
	return Buffer.concat(cluster(BigInt(timecode), slices, options));
}

/** A Cluster whose children are given, Timecode included. */
export function rawCluster(children: readonly Slices[], options: SizeOptions = {}): Buffer {
	return Buffer.concat(master('Cluster', children, options));
}

/** A Timecode. */
export function timecode(ticks: number): Uint8Array[] {
	return unsigned('Timecode', ticks);
}
