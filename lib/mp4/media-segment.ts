import { trackMedia } from '../codecs/decide-track-media.js';
import { sizeOf } from '../model/bytes.js';
import type { Track } from '../model/track.js';
import {
	type Box,
	box,
	boxHeader,
	bytesOfBox,
	container,
	fourCharacters,
	fullBox,
	sizeOfBox,
	uint32,
	uint64,
} from './box.js';
import { runEntries, type StoredSize } from './run-entries.js';
import { type Sample, type SampleTimes, type TrackState, timeSamples } from './sample-times.js';
import { timescaleOf } from './track-timescale.js';

/** A track's share of a segment. */
export interface SegmentTrack {
	readonly track: Track;
	/** Its place among the tracks of the init segment, from 1 on. */
	readonly trackId: number;
	/** In decode order; a track without any is left out. */
	readonly samples: readonly Sample[];
	/** What the segment before gave back; null for the first, and for one that is to stand alone. */
	readonly state: TrackState | null;
	/** What the init segment's edit list has for the track. @default 0 */
	readonly delayTicks?: number;
	/** When the track goes on, in milliseconds of the file: how long the last sample lasts. @default null: not known */
	readonly nextMs?: number | null;
}

/** What a track became in a segment. */
export interface WrittenTrack {
	readonly trackId: number;
	readonly state: TrackState;
	/** Presentation time of the first sample in the track's timescale, edit list not counted. */
	readonly startTicks: number;
	/** Whether that sample can be decoded by itself. */
	readonly startsWithKeyframe: boolean;
	/** Place of its `traf` in the `moof`, from 1 on. */
	readonly trafNumber: number;
}

/** A segment's bytes, and the state that the next segment needs. */
export interface MediaSegment {
	/** Frames that need no conversion are the caller's own bytes. */
	readonly slices: Uint8Array[];
	/** Tracks that have samples, in order. */
	readonly tracks: readonly WrittenTrack[];
}

const DEFAULT_BASE_IS_MOOF = 0x020000;
/** Data offset, and of each sample its duration, size, flags and composition offset (ISO 14496-12 §8.8.8). */
const RUN_FLAGS = 0x000f01;

/**
 * One `moof` and its `mdat`: a KVS fragment as part of a fragmented MP4 file or, with `isHls`, as a media segment of its
 * own (`styp` in front). Sequence numbers must rise within a file. At least one track must have samples.
 */
export function mediaSegment(
	tracks: readonly SegmentTrack[],
	{ sequenceNumber, isHls = false }: { sequenceNumber: number; isHls?: boolean },
): MediaSegment {
	const runs = tracks.filter(({ samples }) => samples.length > 0).map(timeRun);
	const header = fullBox('mfhd', 0, 0, [uint32(sequenceNumber)]);
	const moofOf = (dataOffset: number): Box => {
		let at = dataOffset;
		const fragments = runs.map((run) => {
			const fragment = trackFragment(run, at);
			at += run.sizeBytes;
			return fragment;
		});
		return container('moof', [header, ...fragments]);
	};
	const bodyBytes = runs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
	const mdatHeader = boxHeader('mdat', bodyBytes);
	// Where the data begin does not change how long the moof is.
	const moof = moofOf(sizeOfBox(moofOf(0)) + mdatHeader.byteLength);
	const slices: Uint8Array[] = [bytesOfBox(moof), mdatHeader, ...runs.flatMap((run) => run.slices)];
	if (isHls) slices.unshift(bytesOfBox(SEGMENT_TYPE));
	return { slices, tracks: runs.map(written) };
}

/**
 * A segment made with `isHls`, with another sequence number: what comes before it as a copy, and the rest as a view, as
 * slices.
 */
export function numberSegment(segment: Uint8Array, sequenceNumber: number): Uint8Array[] {
	const head = Uint8Array.from(segment.subarray(0, SEQUENCE_NUMBER_POSITION + 4));
	head.set(uint32(sequenceNumber), SEQUENCE_NUMBER_POSITION);
	return [head, segment.subarray(head.byteLength)];
}

/** What HLS and DASH expect before a segment that is a file of its own (ISO 14496-12 §8.16.2). */
const SEGMENT_TYPE = box(
	'styp',
	Buffer.concat([fourCharacters('msdh'), uint32(0), fourCharacters('msdh'), fourCharacters('msix')]),
);

/** After `styp`, the headers of `moof` and `mfhd`, and the version and flags of the latter. */
const SEQUENCE_NUMBER_POSITION = sizeOfBox(SEGMENT_TYPE) + 8 + 8 + 4;

/** A track's samples on their way into a segment. */
interface Run {
	readonly source: SegmentTrack;
	readonly times: SampleTimes;
	readonly entries: Buffer;
	readonly sizeBytes: number;
	readonly slices: readonly Uint8Array[];
}

function timeRun(source: SegmentTrack): Run {
	const { track, samples, state, delayTicks = 0, nextMs = null } = source;
	const media = trackMedia(track);
	const slices: Uint8Array[] = [];
	const sized: StoredSize[] = [];
	for (const { data, keyframe } of samples) {
		const stored = media.frames(data);
		slices.push(...stored);
		sized.push({ keyframe, sizeBytes: sizeOf(stored) });
	}
	const times = timeSamples(samples, timescaleOf(track), { delayTicks, state, nextMs });
	return {
		source,
		times,
		entries: runEntries(sized, times),
		sizeBytes: sizeOf(slices),
		slices,
	};
}

function trackFragment({ source, times, entries }: Run, dataOffset: number): Box {
	const { samples, trackId } = source;
	return container('traf', [
		fullBox('tfhd', 0, DEFAULT_BASE_IS_MOOF, [uint32(trackId)]),
		fullBox('tfdt', 1, 0, [uint64(times.decodeTicks[0] as number)]),
		fullBox('trun', 1, RUN_FLAGS, [uint32(samples.length, dataOffset), entries]),
	]);
}

function written({ source, times }: Run, index: number): WrittenTrack {
	const { trackId, samples, delayTicks = 0 } = source;
	return {
		trackId,
		state: times.state,
		startTicks: (times.decodeTicks[0] as number) + (times.offsetTicks[0] as number) - delayTicks,
		startsWithKeyframe: (samples[0] as Sample).keyframe,
		trafNumber: index + 1,
	};
}
