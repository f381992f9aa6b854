import { DemuxContext } from '../../demux/demux-context.js';
import { MediaError } from '../../errors.js';
import type { Track } from '../../model/track.js';
import { classicHead } from '../../mp4/classic-head.js';
import { ClassicTrack, type PlacedSample } from '../../mp4/classic-track.js';
import { finalPatches } from '../../mp4/final-patches.js';
import { initSegment } from '../../mp4/init-segment.js';
import { StoredOrder } from '../../mp4/stored-order.js';
import { timescaleOf } from '../../mp4/track-timescale.js';
import { evenAudio } from '../playback/packaging/even-audio.js';
import { correctSamples } from '../playback/packaging/fragment-media.js';
import {
	decodesAlike,
	isSameLayout,
	type PlaybackTracks,
	playbackTracks,
} from '../playback/packaging/playback-tracks.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { ServiceError } from '../wire/service-error.js';
import { ClipTimeline } from './clip-timeline.js';
import { FragmentSamples } from './fragment-samples.js';

/** What is read of a fragment: everything but its frames' bytes. */
interface ReadFragment {
	readonly tracks: PlaybackTracks;
	/** By track number. */
	readonly samples: StoredOrder<PlacedSample>;
}

/** A track of the clip, and what is known of it so far. */
interface ClipTrack {
	readonly track: Track;
	readonly classic: ClassicTrack;
}

/**
 * Reads the fragments of a clip, and gives the bytes that stand before their samples in its file. These follow in the
 * order of the fragments and, within them, in the order in which they are stored. Holds the index alone, some 40 bytes a
 * sample.
 *
 * Rejects with the service's errors for tracks that it does not play, or that change; with InvalidMediaFrameException where a frame
 * is not what its codec says, or a fragment is malformed; with the signal's reason; and as `readParts` does.
 */
export async function clipHead(
	fragments: readonly StoredFragment[],
	signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
	const index = new ClipIndex();
	try {
		for (const [position, fragment] of fragments.entries()) {
			await index.add(fragment, fragments[position + 1] ?? null, signal);
		}
		return await index.head();
	} catch (error) {
		if (error instanceof MediaError) throw invalidMediaFrame(error.message);
		throw error;
	}
}

class ClipIndex {
	readonly #context = new DemuxContext();
	readonly #timeline = new ClipTimeline();
	#tracks: PlaybackTracks | null = null;
	#clipTracks: readonly ClipTrack[] = [];
	#mediaBytes = 0;

	async add(fragment: StoredFragment, next: StoredFragment | null, signal: AbortSignal): Promise<void> {
		const { tracks, samples } = await this.#read(fragment, signal);
		if (this.#tracks === null) {
			this.#tracks = tracks;
			this.#clipTracks = tracks.map((track) => {
				const isAudio = track.type === 'audio';
				return { track, classic: new ClassicTrack({ timescale: timescaleOf(track), isAudio }) };
			});
		}
		checkSame(this.#tracks, tracks, fragment);
		const nextStartMs = next !== null && next.producerMs > fragment.producerMs ? next.producerMs : null;
		const room = { startMs: fragment.producerMs, nextStartMs };
		const timed = this.#clipTracks.map(({ track }) => {
			const corrected = correctSamples(track, samples.samplesOf(track.number), room);
			return track.type === 'audio' ? evenAudio(track, corrected) : corrected;
		});
		const shiftMs = this.#timeline.shiftOf({ nextStartMs, tracks: timed });
		for (const [index, { track, classic }] of this.#clipTracks.entries()) {
			const own = (timed[index] ?? []).map((sample) => ({ ...sample, ms: sample.ms + shiftMs }));
			classic.add(own, samples.runsOf(track.number));
		}
	}

	async head(): Promise<readonly Uint8Array[]> {
		const withSamples = this.#clipTracks.filter(({ classic }) => classic.end().state !== null);
		if (withSamples.length === 0) throw invalidMediaFrame('The fragments of the clip hold no frame.');
		const { bytes, positions } = await initSegment(
			withSamples.map(({ track }) => track),
			{ brand: 'mp4' },
		);
		const init = Buffer.from(bytes);
		const ends = withSamples.map(({ classic }) => classic.end());
		for (const patch of finalPatches(positions, ends)) init.set(patch.bytes, patch.position);
		const tables = withSamples.map(({ classic }) => classic.table);
		return classicHead({ init, tables, mediaBytes: this.#mediaBytes });
	}

	async #read(fragment: StoredFragment, signal: AbortSignal): Promise<ReadFragment> {
		const samples = new StoredOrder<PlacedSample>(this.#mediaBytes);
		let damaged: number | null = null;
		const source = new FragmentSamples(fragment, this.#context);
		for await (const batch of source.read()) {
			signal.throwIfAborted();
			for (const { data, ms, durationMs, keyframe, trackNumber, isWhole } of batch) {
				if (!isWhole) damaged ??= trackNumber;
				samples.add(trackNumber, { ms, durationMs, keyframe, sizeBytes: data.byteLength });
			}
		}
		this.#mediaBytes = samples.position;
		const tracks = playbackTracks(source.tracks, 'dash');
		if (damaged !== null) {
			throw invalidMediaFrame(
				`A frame of track ${damaged} in fragment ${fragment.number} is not valid for its codec.`,
			);
		}
		return { tracks, samples };
	}
}

/** A clip has one header for all of its fragments. */
function checkSame(first: PlaybackTracks, tracks: PlaybackTracks, { number }: StoredFragment): void {
	if (decodesAlike(first, tracks)) return;
	const what = isSameLayout(first, tracks) ? 'the codec private data' : 'the tracks or their codecs';
	throw new ServiceError(
		'UnsupportedStreamMediaTypeException',
		400,
		`The fragments of the clip cannot be joined: ${what} changed in fragment ${number}.`,
	);
}

function invalidMediaFrame(message: string): ServiceError {
	return new ServiceError('InvalidMediaFrameException', 400, message);
}
