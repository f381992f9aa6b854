import type { Output } from 'mediabunny';
import type { Track } from '../model/track.js';
import { type Box, box, bytesOfBox, container, fullBox, uint32, uint64 } from './box.js';
import { boxesAt, positionOf, readBoxes } from './box-tree.js';
import { describeTrack } from './decoder-config.js';
import { editList, type TrackEdit } from './edit-list.js';
import { timescaleOf } from './track-timescale.js';
import { wideHeader } from './wide-header.js';

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
	for (const track of tracks) addTrack(mediabunny, output, { track, brand });
	await output.start();
	await output.finalize();
	const made = readBoxes(new Uint8Array(target.buffer as ArrayBuffer));
	const [ftyp] = boxesAt(made, 'ftyp') as [Box];
	const [moov] = boxesAt(made, 'moov') as [Box];
	const boxes = [ftyp, rewriteMoov(moov, tracks, { brand, edits })];
	return { bytes: Buffer.concat(boxes.map(bytesOfBox)), positions: positionsOf(boxes) };
}

/** G.711, whose boxes are named as its codecs are. mediabunny has them for MOV alone. */
const g711Codecs: ReadonlySet<string | null> = new Set(['ulaw', 'alaw']);

function addTrack(
	mediabunny: typeof import('mediabunny'),
	output: Output,
	{ track, brand }: { track: Track; brand: Brand },
): void {
	const description = describeTrack(track);
	const name = track.name === null || track.name === '' ? {} : { name: track.name };
	if (description.type === 'video') {
		const { codec, type: _, ...metadata } = description;
		output.addVideoTrack(new mediabunny.EncodedVideoPacketSource(codec), { ...metadata, ...name });
	} else {
		const isRenamed = brand === 'mp4' && g711Codecs.has(description.codec);
		const codec = isRenamed ? 'pcm-s16' : description.codec;
		const decoderConfig = isRenamed ? { ...description.decoderConfig, codec } : description.decoderConfig;
		output.addAudioTrack(new mediabunny.EncodedAudioPacketSource(codec), { decoderConfig, ...name });
	}
}

/** mediabunny writes the time of day and its own timescales, and leaves no room for durations of more than 32 bits. */
function rewriteMoov(
	moov: Box,
	tracks: readonly Track[],
	{ brand, edits }: { brand: Brand; edits: readonly TrackEdit[] },
): Box {
	let index = 0;
	const children = moov.children.map((child) => {
		if (child.type === 'mvhd') return wideHeader(child, { timescale: MOVIE_TIMESCALE });
		if (child.type === 'mvex') {
			return container('mvex', [fullBox('mehd', 1, 0, [uint64(0)]), ...child.children]);
		}
		if (child.type !== 'trak') return child;
		const track = tracks[index] as Track;
		const edit = edits[index++] ?? { startMs: 0, delayTicks: 0 };
		const isRenamed = brand === 'mp4' && g711Codecs.has(track.codec);
		return rewriteTrak(child, track, { edit, renamed: isRenamed ? track.codec : null });
	});
	return container('moov', children);
}

function rewriteTrak(
	trak: Box,
	track: Track,
	{ edit, renamed }: { edit: TrackEdit; renamed: string | null },
): Box {
	const children = trak.children.flatMap((child) => {
		if (child.type === 'tkhd') return [wideHeader(child, {}), ...readBoxes(editList(edit))];
		if (child.type !== 'mdia') return [child];
		const media = child.children.map((part) => {
			if (part.type === 'mdhd') return wideHeader(part, { timescale: timescaleOf(track) });
			if (part.type !== 'minf' || renamed === null) return part;
			return renameSamples(part, { type: renamed, channels: track.channels ?? 0 });
		});
		return [container('mdia', media)];
	});
	return container('trak', children);
}

/** A `minf` whose samples are described as of another type, by nothing but their rate and channels. */
function renameSamples(minf: Box, { type, channels }: { type: string; channels: number }): Box {
	const layout = channelLayouts[channels];
	// ffmpeg says that it has guessed the layout where nothing says it.
	const inner = layout === undefined ? [] : [fullBox('chan', 0, 0, [uint32(layout, 0, 0)])];
	const children = minf.children.map((child) => {
		if (child.type !== 'stbl') return child;
		const tables = child.children.map((part) => {
			if (part.type !== 'stsd') return part;
			const entry = part.fields.subarray(STSD_ENTRY, STSD_ENTRY + AUDIO_ENTRY_BYTES);
			return fullBox('stsd', 0, 0, [uint32(1), bytesOfBox(box(type, entry, inner))]);
		});
		return container('stbl', tables);
	});
	return container('minf', children);
}

/** After version, flags, count and the entry's header; and the fields of an AudioSampleEntry (ISO 14496-12 §12.2.3). */
const STSD_ENTRY = 16;
const AUDIO_ENTRY_BYTES = 28;

/** Layout tags of a `chan` (QuickTime File Format, "Channel Layout"), by the number of channels. */
const channelLayouts: Readonly<Record<number, number>> = { 1: 0x640001, 2: 0x650002 };

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
