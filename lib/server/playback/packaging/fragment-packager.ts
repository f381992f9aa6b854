import PQueue from 'p-queue';
import { MediaError } from '../../../errors.js';
import type { Track } from '../../../model/track.js';
import { initSegment } from '../../../mp4/init-segment.js';
import { numberSegment } from '../../../mp4/media-segment.js';
import { numberTables, TABLES_BYTES } from '../../../mpegts/transport-segment.js';
import { startOn } from '../../store/fragment-index.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { ServiceError } from '../../wire/service-error.js';
import {
	type FragmentMedia,
	readFragmentMedia,
	withCorrectTimes,
	withoutVideoData,
} from './fragment-media.js';
import { MediaCache } from './media-cache.js';
import { type PackagedFragment, type Packaging, packageMedia } from './packaged-fragment.js';
import { playbackTracks } from './playback-tracks.js';
import { segmentAudio } from './segment-audio.js';

/** Packaged fragments that are kept: what some dozen live players will request next. */
const CACHE_BYTES = 64 * 1024 * 1024;

/**
 * What is kept of fragments for the audio at their borders: of some hundred. Their media as a whole is read again where a
 * neighbour is requested next: keeping it for that took more memory than it saved time.
 */
const BORDER_CACHE_BYTES = 8 * 1024 * 1024;

/** Segments that are packaged at once; each needs up to three fragments in memory, and one has up to 50 MB. */
const MAX_UNDER_WAY = 2;

/**
 * Packages stored fragments: as one MP4 segment a track, or as a transport stream. Each is packaged once for all sessions,
 * and kept as long as there is room; what differs between sessions, its number in a row, is put into a copy.
 */
export class FragmentPackager {
	readonly #cache = new MediaCache<PackagedFragment>(CACHE_BYTES);
	readonly #borders = new MediaCache<FragmentMedia>(BORDER_CACHE_BYTES);
	readonly #queue = new PQueue({ concurrency: MAX_UNDER_WAY });
	readonly #initializations = new WeakMap<Track, Promise<Uint8Array>>();

	/** The initialization segment of a track: `ftyp` and `moov`. */
	initialization(track: Track): Promise<Uint8Array> {
		const known = this.#initializations.get(track);
		if (known !== undefined) return known;
		const made = initSegment([track], { brand: 'mp4' }).then(({ bytes }) => bytes);
		this.#initializations.set(track, made);
		return made;
	}

	/** A track's media segment with that sequence number, as slices. Rejects with `ServiceError` where it cannot be made. */
	async mp4(
		fragment: StoredFragment,
		packaging: Packaging,
		{ trackNumber, sequence }: { trackNumber: number; sequence: number },
	): Promise<Uint8Array[]> {
		const { byTrack } = await this.#package(fragment, packaging);
		return numberSegment(byTrack.get(trackNumber) as Uint8Array, sequence);
	}

	/** The transport stream with the counters of the `sequence`-th in a row, as slices. Rejects as {@link mp4}. */
	async transportStream(
		fragment: StoredFragment,
		packaging: Packaging,
		sequence: number,
	): Promise<Uint8Array[]> {
		const { byTrack } = await this.#package(fragment, packaging);
		const segment = byTrack.get(0) as Uint8Array;
		return [numberTables(segment, sequence), segment.subarray(TABLES_BYTES)];
	}

	/** Frames per second of a fragment's video, null where that is unknown. Rejects as {@link mp4}. */
	async frameRate(fragment: StoredFragment, packaging: Packaging): Promise<number | null> {
		return (await this.#package(fragment, packaging)).frameRate;
	}

	async #package(fragment: StoredFragment, packaging: Packaging): Promise<PackagedFragment> {
		const { previous, next, ...rest } = packaging;
		const places = [previous, fragment, next].map((place) => place && placeOf(place));
		const key = JSON.stringify([rest, places]);
		try {
			return await this.#cache.get(key, () => this.#queue.add(() => this.#make(fragment, packaging)));
		} catch (error) {
			if (!(error instanceof MediaError)) throw error;
			// GetClip of the service uses this name for it.
			throw new ServiceError('InvalidMediaFrameException', 400, error.message);
		}
	}

	async #make(fragment: StoredFragment, packaging: Packaging): Promise<PackagedFragment> {
		const [previous, read, next] = await Promise.all([
			this.#neighbour(packaging.previous, fragment.producerMs),
			readFragmentMedia(fragment),
			this.#neighbour(packaging.next, null),
		]);
		const own = withCorrectTimes(read, packaging.nextStartMs);
		const tracks = playbackTracks(own.tracks, 'any');
		const [video, audio] = tracks;
		const samples = new Map(own.samples);
		if (video?.type === 'video' && audio !== undefined) {
			samples.set(audio.number, segmentAudio({ previous, own, next }, video, audio));
		}
		const clockMs = startOn(packaging.clock, fragment) - fragment.producerMs;
		return packageMedia(tracks, samples, packaging, clockMs);
	}

	/** Without the data of its video. Null for a malformed one, which has its own error when it is requested. */
	async #neighbour(
		fragment: StoredFragment | null,
		nextStartMs: number | null,
	): Promise<FragmentMedia | null> {
		if (fragment === null) return null;
		const make = async (): Promise<FragmentMedia> => withoutVideoData(await readFragmentMedia(fragment));
		try {
			return withCorrectTimes(await this.#borders.get(placeOf(fragment), make), nextStartMs);
		} catch (error) {
			if (error instanceof MediaError) return null;
			throw error;
		}
	}
}

function placeOf({ number, payload }: StoredFragment): string {
	return `${number} ${payload}`;
}
