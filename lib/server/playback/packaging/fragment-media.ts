import { codedDurationMs } from '../../../codecs/coded-duration.js';
import { trackMedia } from '../../../codecs/decide-track-media.js';
import { DemuxContext } from '../../../demux/demux-context.js';
import { correctTimes, type TimesOfTrack } from '../../../gaps/outlier-times.js';
import { sizeOf } from '../../../model/bytes.js';
import type { Track } from '../../../model/track.js';
import type { Sample, TimedSample } from '../../../mp4/sample-times.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { fragmentEvents } from './fragment-events.js';
import type { CachedMedia } from './media-cache.js';

/** A fragment's media, read as a whole. */
export interface FragmentMedia extends CachedMedia {
	/** What they really hold: see {@link trackMedia}. */
	readonly tracks: readonly Track[];
	/** Of each track its frames in decode order, by its number. Times are epoch milliseconds of the producer's clock. */
	readonly samples: ReadonlyMap<number, readonly Sample[]>;
	/** When it starts on that clock. */
	readonly startMs: number;
}

/** Reads a stored fragment. Rejects as {@link fragmentEvents} does. */
export async function readFragmentMedia(fragment: StoredFragment): Promise<FragmentMedia> {
	const context = new DemuxContext();
	const stored = new Map<number, Sample[]>();
	for await (const events of fragmentEvents(fragment, context)) {
		for (const event of events) {
			if (event.type !== 'frame') continue;
			const { track, data, keyframe, durationMs, timestampMs } = event;
			const frames = stored.get(track.number) ?? [];
			frames.push({ data, keyframe, durationMs, ms: timestampMs ?? fragment.producerMs });
			stored.set(track.number, frames);
		}
	}
	const tracks: Track[] = [];
	const samples = new Map<number, Sample[]>();
	for (const track of context.tracks) {
		const frames = stored.get(track.number) ?? [];
		const media = trackMedia(
			track,
			frames.map(({ data }) => data),
		);
		tracks.push(media.track);
		samples.set(
			track.number,
			frames.flatMap((frame) => samplesOf(frame, media.frames(frame.data), media.track)),
		);
	}
	return { tracks, samples, startMs: fragment.producerMs, sizeBytes: fragment.sizeBytes };
}

/** The size of a sample without its data, about. */
const SAMPLE_BYTES = 200;

const NO_DATA = new Uint8Array(0);

/** What the neighbours of a fragment need of it, in memory of its own: its audio, and the times of its video. */
export function withoutVideoData({ tracks, samples, startMs }: FragmentMedia): FragmentMedia {
	let sizeBytes = 0;
	const reduced = tracks.map(({ number, type }) => {
		const ofTrack = samples.get(number) ?? [];
		sizeBytes += ofTrack.length * SAMPLE_BYTES;
		if (type !== 'audio') return [number, ofTrack.map((sample) => ({ ...sample, data: NO_DATA }))] as const;
		// One allocation for all: each by itself takes as much memory again.
		const data = new Uint8Array(sizeOf(ofTrack.map((sample) => sample.data)));
		sizeBytes += data.byteLength;
		let end = 0;
		const copied = ofTrack.map((sample) => {
			const start = end;
			end += sample.data.byteLength;
			data.set(sample.data, start);
			return { ...sample, data: data.subarray(start, end) };
		});
		return [number, copied] as const;
	});
	return { tracks, samples: new Map(reduced), startMs, sizeBytes };
}

/** What a stored frame really holds: nothing, itself, or several frames one after the other. */
export function samplesOf(stored: Sample, frames: readonly Uint8Array[], track: Track): Sample[] {
	let { ms } = stored;
	return frames.map((data) => {
		const durationMs = frames.length === 1 ? stored.durationMs : codedDurationMs(track, data);
		const sample = { ...stored, data, ms, durationMs };
		ms += durationMs ?? 0;
		return sample;
	});
}

/** The same media with frames of wrong times where they belong. `nextStartMs`: when the next fragment starts, null where unknown. */
export function withCorrectTimes(media: FragmentMedia, nextStartMs: number | null): FragmentMedia {
	const room = { startMs: media.startMs, nextStartMs };
	const samples = new Map(
		media.tracks.map((track) => [
			track.number,
			correctSamples(track, media.samples.get(track.number) ?? [], room),
		]),
	);
	return { ...media, samples };
}

/** Samples of a track of a fragment, those of wrong times where they belong. Times are the producer's, epoch milliseconds. */
export function correctSamples<Timed extends TimedSample>(
	{ type }: Track,
	samples: readonly Timed[],
	room: Pick<TimesOfTrack, 'startMs' | 'nextStartMs'>,
): readonly Timed[] {
	const correction = correctTimes(
		samples.map(({ ms }) => ms),
		{ ...room, frameMs: samples[0]?.durationMs ?? null, mayReorder: type === 'video' },
	);
	if (correction === null) return samples;
	return samples.map((sample, index) => ({ ...sample, ms: correction.timesMs[index] as number }));
}
