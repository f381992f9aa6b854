import type { Output } from 'mediabunny';
import type { Track } from '../model/track.js';
import { type Box, bytesOfBox, container, fullBox, uint32, uint64 } from './box.js';
import { boxesAt, positionOf, readBoxes } from './box-tree.js';
import { describeTrack } from './decoder-config.js';
import { editList, type TrackEdit } from './edit-list.js';
import { timescaleOf } from './track-timescale.js';

/** Ticks a second of what a file says of itself as a whole: a millisecond each. */
export const MOVIE_TIMESCALE = 1000;

/** Which of the two dialects a file is written in. */
export type Brand = 'mp4' | 'mov';

/** Where the facts stand that are known only at a file's end: bytes from the start of the init segment. All are 64 bits. */
export interface InitPositions {
	/** Of the file's duration, in {@link MOVIE_TIMESCALE}: once for readers of fragments (mehd), once for others (mvhd). */
	readonly movieDurations: readonly number[];
	readonly tracks: readonly TrackPositions[];
}

/** Where a track's late facts stand. */
export interface TrackPositions {
	/** Of the track's duration in {@link MOVIE_TIMESCALE} (tkhd). */
	readonly duration: number;
	/** Of the same in the track's own timescale (mdhd). */
	readonly mediaDuration: number;
	/** Of the track's edit list: see {@link editList}. */
	readonly edits: number;
}

/** What a fragmented file begins with. */
export interface InitSegment {
	readonly bytes: Uint8Array;
	readonly positions: InitPositions;
}

/**
 * The head of a fragmented MP4 or MOV file, and an HLS stream's EXT-X-MAP: `ftyp` and a `moov` without samples. The same
 * tracks give the same bytes. Track ids are 1, 2, 3 … in the order of `tracks`.
 *
 * `edits` are the tracks' edit lists, where they are known already. Throws `MediaError` for a track that cannot be
 * described.
 */
export async function initSegment(
	tracks: readonly Track[],
	{ brand, edits = [] }: { brand: Brand; edits?: readonly TrackEdit[] },
): Promise<InitSegment> {
	// Loaded by what writes MP4, as it takes half the time of importing this package.
	const mediabunny = await import('mediabunny');
	const target = new mediabunny.BufferTarget();
	const Format = brand === 'mov' ? mediabunny.MovOutputFormat : mediabunny.Mp4OutputFormat;
	const output = new mediabunny.Output({ format: new Format({ fastStart: 'fragmented' }), target });
	for (const track of tracks) addTrack(mediabunny, output, track);
	await output.start();
	await output.finalize();
	const made = readBoxes(new Uint8Array(target.buffer as ArrayBuffer));
	const [ftyp] = boxesAt(made, 'ftyp') as [Box];
	const [moov] = boxesAt(made, 'moov') as [Box];
	const boxes = [ftyp, rewriteMoov(moov, tracks, edits)];
	return { bytes: Buffer.concat(boxes.map(bytesOfBox)), positions: positionsOf(boxes) };
}

function addTrack(mediabunny: typeof import('mediabunny'), output: Output, track: Track): void {
	const description = describeTrack(track);
	const name = track.name === null || track.name === '' ? {} : { name: track.name };
	if (description.type === 'video') {
		const { codec, type: _, ...metadata } = description;
		output.addVideoTrack(new mediabunny.EncodedVideoPacketSource(codec), { ...metadata, ...name });
	} else {
		const { decoderConfig } = description;
		output.addAudioTrack(new mediabunny.EncodedAudioPacketSource(description.codec), {
			decoderConfig,
			...name,
		});
	}
}

/** mediabunny writes the time of day and its own timescales, and leaves no room for durations of more than 32 bits. */
function rewriteMoov(moov: Box, tracks: readonly Track[], edits: readonly TrackEdit[]): Box {
	let index = 0;
	const children = moov.children.map((child) => {
		if (child.type === 'mvhd') return rewriteHeader(child, 'timescale', MOVIE_TIMESCALE);
		if (child.type === 'mvex') {
			return container('mvex', [fullBox('mehd', 1, 0, [uint64(0)]), ...child.children]);
		}
		if (child.type !== 'trak') return child;
		const track = tracks[index] as Track;
		return rewriteTrak(child, track, edits[index++] ?? { startMs: 0, delayTicks: 0 });
	});
	return container('moov', children);
}

function rewriteTrak(trak: Box, track: Track, edit: TrackEdit): Box {
	const children = trak.children.flatMap((child) => {
		if (child.type === 'tkhd') return [rewriteHeader(child, 'track'), ...readBoxes(editList(edit))];
		if (child.type !== 'mdia') return [child];
		const media = child.children.map((part) =>
			part.type === 'mdhd' ? rewriteHeader(part, 'timescale', timescaleOf(track)) : part,
		);
		return [container('mdia', media)];
	});
	return container('trak', children);
}

/**
 * An `mvhd`, `mdhd` (dates, timescale, duration) or `tkhd` (dates, track id, reserved, duration) in version 1, of no date
 * and of no duration yet.
 */
function rewriteHeader({ type, fields }: Box, kind: 'timescale' | 'track', timescale?: number): Box {
	const bytes = Buffer.from(fields);
	const isWide = bytes[0] === 1;
	const datesEnd = isWide ? 20 : 12;
	const beforeDuration = kind === 'track' ? 8 : 4;
	const restStart = datesEnd + beforeDuration + (isWide ? 8 : 4);
	const middle = bytes.subarray(datesEnd, datesEnd + beforeDuration);
	return fullBox(type, 1, bytes.readUIntBE(1, 3), [
		uint64(0),
		uint64(0),
		timescale === undefined ? middle : uint32(timescale),
		uint64(0),
		bytes.subarray(restStart),
	]);
}

function positionsOf(boxes: readonly Box[]): InitPositions {
	const fieldsOf = (wanted: Box | undefined): number =>
		wanted === undefined ? 0 : (positionOf(boxes, wanted) as number);
	const first = (path: string, within: readonly Box[]): Box | undefined => boxesAt(within, path)[0];
	return {
		movieDurations: [
			fieldsOf(first('moov/mvhd', boxes)) + MVHD_DURATION,
			fieldsOf(first('moov/mvex/mehd', boxes)) + MEHD_DURATION,
		],
		tracks: boxesAt(boxes, 'moov/trak').map(({ children }) => {
			const header = first('tkhd', children);
			return {
				duration: fieldsOf(header) + TKHD_DURATION,
				mediaDuration: fieldsOf(first('mdia/mdhd', children)) + MVHD_DURATION,
				edits: fieldsOf(header) + (header?.fields.byteLength ?? 0),
			};
		}),
	};
}

/** Offsets of the fields after the header of a box, in version 1 of each (ISO 14496-12 §8.2.2, 8.3.2, 8.8.2). */
const MVHD_DURATION = 24;
const TKHD_DURATION = 28;
const MEHD_DURATION = 4;
