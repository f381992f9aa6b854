import { codedDurationMs } from '../../../codecs/coded-duration.js';
import { trackMedia } from '../../../codecs/track-media.js';
import { DemuxContext } from '../../../demux/demux-context.js';
import { PayloadReader } from '../../../demux/payload-reader.js';
import { MediaError } from '../../../errors.js';
import { correctTimes } from '../../../gaps/outlier-times.js';
import type { Track } from '../../../model/track.js';
import type { Sample } from '../../../mp4/sample-times.js';
import { readParts } from '../../store/body-part.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
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

/** Reads a stored fragment. Rejects with `MediaError` where the bytes are malformed, and as `readParts` does. */
export async function readFragmentMedia(fragment: StoredFragment): Promise<FragmentMedia> {
	const context = new DemuxContext();
	const reader = new PayloadReader(context, { admit: () => 'hold' });
	const stored = new Map<number, Sample[]>();
	const take = (batches: ReturnType<PayloadReader['write']>): void => {
		for (const events of batches) {
			for (const event of events) {
				if (event.type === 'fragment-failure') throw new MediaError('KVS_MKV_MALFORMED', event.message);
				if (event.type !== 'frame') continue;
				const { track, data, keyframe, durationMs, timestampMs } = event;
				const frames = stored.get(track.number) ?? [];
				frames.push({ data, keyframe, durationMs, ms: timestampMs ?? fragment.producerMs });
				stored.set(track.number, frames);
			}
		}
	};
	for await (const bytes of readParts([{ kind: 'fragment', fragment }])) take(reader.write(bytes));
	take(reader.end());
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

/** What a stored frame really holds: nothing, itself, or several frames one after the other. */
function samplesOf(stored: Sample, frames: readonly Uint8Array[], track: Track): Sample[] {
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
	const samples = new Map(media.samples);
	for (const { number, type } of media.tracks) {
		const own = media.samples.get(number) ?? [];
		const correction = correctTimes(
			own.map(({ ms }) => ms),
			{
				startMs: media.startMs,
				nextStartMs,
				frameMs: own[0]?.durationMs ?? null,
				mayReorder: type === 'video',
			},
		);
		if (correction === null) continue;
		samples.set(
			number,
			own.map((sample, index) => ({ ...sample, ms: correction.timesMs[index] as number })),
		);
	}
	return { ...media, samples };
}
