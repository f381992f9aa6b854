import { sizeOf } from '../../../model/bytes.js';
import type { RangeClock } from '../../../model/time-range.js';
import type { Track } from '../../../model/track.js';
import { mediaSegment } from '../../../mp4/media-segment.js';
import { storedFrame } from '../../../mp4/nal-lengths.js';
import type { Sample } from '../../../mp4/sample-times.js';
import { transportSegment } from '../../../mpegts/transport-segment.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import type { ContainerFormat } from './container-format.js';
import { evenAudio } from './even-audio.js';
import type { CachedMedia } from './media-cache.js';
import { type PlaybackTracks, parameterSets } from './playback-tracks.js';
import { firstShownMs } from './segment-audio.js';

/** A packaged fragment. A transport stream, which holds all tracks, has the track number 0. */
export interface PackagedFragment extends CachedMedia {
	readonly byTrack: ReadonlyMap<number, Uint8Array>;
	/** Frames per second of its video; null where there are fewer than two. */
	readonly frameRate: number | null;
}

/** How a fragment is packaged. */
export interface Packaging {
	/** The fragments before and after it that share the audio at its borders: see {@link segmentAudio}. */
	readonly previous: StoredFragment | null;
	readonly next: StoredFragment | null;
	/** When the next one starts on the producer's clock, whether it joins or not; null where that is not known. */
	readonly nextStartMs: number | null;
	/** Whether players begin a new timeline with this transport stream; its audio is then moved, by less than a frame, to begin with the video. */
	readonly beginsTimeline: boolean;
	readonly container: ContainerFormat;
	/** The clock of its media times. */
	readonly clock: RangeClock;
	/** How many milliseconds its media times are later than on that clock. */
	readonly shiftMs: number;
	/** Whether key frames are given their parameter sets again, for players that read only one initialization. */
	readonly repeatsParameterSets: boolean;
}

/**
 * Packages the frames of a fragment, given by track number. Their times are made later by `clockMs`, and by what the
 * packaging says. Throws `MediaError` where the container has no room for them.
 */
export function packageMedia(
	playable: PlaybackTracks,
	media: ReadonlyMap<number, readonly Sample[]>,
	{ container, shiftMs, beginsTimeline, previous, repeatsParameterSets }: Packaging,
	clockMs: number,
): PackagedFragment {
	const [first, second] = playable.map(({ number }) => media.get(number) ?? []);
	const togetherMs =
		beginsTimeline && previous !== null ? (firstShownMs(first ?? []) ?? 0) - (second?.[0]?.ms ?? 0) : 0;
	const tracks = playable.map((track, index) => {
		const laterMs = clockMs + shiftMs + (index === 1 ? togetherMs : 0);
		const samples = (media.get(track.number) ?? []).map((sample) => ({ ...sample, ms: sample.ms + laterMs }));
		return {
			track,
			samples: track.type === 'audio' ? evenAudio(track, samples) : samples,
			parameterSets: parameterSets(track),
		};
	});
	const byTrack = new Map<number, Uint8Array>();
	if (container === 'MPEG_TS') byTrack.set(0, transportSegment(tracks, { beginsTimeline }));
	for (const { track, samples, parameterSets } of container === 'MPEG_TS' ? [] : tracks) {
		const sets = repeatsParameterSets ? withLengths(track, parameterSets) : [];
		const source = {
			track,
			trackId: 1,
			samples: sets.length === 0 ? samples : samples.map((sample) => withSets(sample, sets, track)),
			state: null,
		};
		const { slices } = mediaSegment([source], { sequenceNumber: 0, isHls: true });
		byTrack.set(track.number, Buffer.concat(slices));
	}
	const sizeBytes = sizeOf([...byTrack.values()]);
	const video = tracks.find(({ track }) => track.type === 'video');
	return { byTrack, sizeBytes, frameRate: video === undefined ? null : frameRate(video.samples) };
}

/** Parameter sets with length prefixes, as in the track's frames. */
function withLengths({ nalLengthBytes }: Track, sets: readonly Uint8Array[]): Uint8Array[] {
	const lengthBytes = nalLengthBytes ?? 4;
	return sets.flatMap((unit) => {
		if (unit.byteLength >= 2 ** (8 * lengthBytes)) return [];
		const length = Buffer.alloc(lengthBytes);
		length.writeUIntBE(unit.byteLength, 0, lengthBytes);
		return [length, unit];
	});
}

function withSets(sample: Sample, sets: readonly Uint8Array[], track: Track): Sample {
	if (!sample.keyframe) return sample;
	return { ...sample, data: Buffer.concat([...sets, ...storedFrame(track, sample.data)]) };
}

function frameRate(samples: readonly Sample[]): number | null {
	const times = samples.map(({ ms }) => ms);
	const lengthMs = Math.max(...times) - Math.min(...times);
	return samples.length > 1 && lengthMs > 0 ? ((samples.length - 1) * 1000) / lengthMs : null;
}
