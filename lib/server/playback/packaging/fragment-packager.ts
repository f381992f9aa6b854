import PQueue from 'p-queue';
import { MediaError } from '../../../errors.js';
import type { Track } from '../../../model/track.js';
import { initSegment } from '../../../mp4/init-segment.js';
import { mediaSegment, numberSegment } from '../../../mp4/media-segment.js';
import { storedFrame } from '../../../mp4/nal-lengths.js';
import type { Sample } from '../../../mp4/sample-times.js';
import { numberTables, TABLES_BYTES, transportSegment } from '../../../mpegts/transport-segment.js';
import type { Clock } from '../../store/fragment-index.js';
import type { StoredFragment } from '../../store/stored-fragment.js';
import { ServiceError } from '../../wire/service-error.js';
import type { ContainerFormat } from '../hls/hls-request.js';
import { readFragmentMedia } from './fragment-media.js';
import { parameterSets, playbackTracks } from './playback-tracks.js';
import { SharedCache, type Sized } from './shared-cache.js';

/** Packaged fragments that are kept: what some dozen live players are about to ask for. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** Fragments that are in memory to be packaged at a time; one has up to 50 MB. */
const MAX_UNDER_WAY = 4;

/** A fragment, packaged. The one transport stream has the track number 0. */
interface PackagedFragment extends Sized {
	readonly byTrack: ReadonlyMap<number, Uint8Array>;
	/** Pictures a second; null where there are fewer than two. */
	readonly frameRate: number | null;
}

/** How a fragment is packaged. */
export interface Packaging {
	readonly container: ContainerFormat;
	/** The clock that times are on. */
	readonly clock: Clock;
	/** By how much they are later than that. */
	readonly shiftMs: number;
	/** Whether key frames are given their parameter sets again, for players that read only one initialization. */
	readonly repeatsParameterSets: boolean;
}

/**
 * Packages stored fragments: as one MP4 segment a track, or as a transport stream. Each is packaged once for all sessions,
 * and kept as long as there is room; what differs between sessions, its number in a row, is put into a copy.
 */
export class FragmentPackager {
	readonly #cache = new SharedCache<PackagedFragment>(CACHE_BYTES);
	readonly #queue = new PQueue({ concurrency: MAX_UNDER_WAY });
	readonly #initializations = new WeakMap<Track, Promise<Uint8Array>>();

	/** What a player is given before the media of a track: `ftyp` and `moov`. */
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

	/** Pictures a second in a fragment, null where it does not say. Rejects as {@link mp4}. */
	async frameRate(fragment: StoredFragment, packaging: Packaging): Promise<number | null> {
		return (await this.#package(fragment, packaging)).frameRate;
	}

	async #package(fragment: StoredFragment, packaging: Packaging): Promise<PackagedFragment> {
		const { container, clock, shiftMs, repeatsParameterSets } = packaging;
		const key = `${container} ${clock} ${shiftMs} ${repeatsParameterSets} ${fragment.offset} ${fragment.payload}`;
		try {
			return await this.#cache.get(key, () => this.#queue.add(() => packageFragment(fragment, packaging)));
		} catch (error) {
			if (!(error instanceof MediaError)) throw error;
			// The name the service has for it where it makes clips.
			throw new ServiceError('InvalidMediaFrameException', 400, error.message);
		}
	}
}

async function packageFragment(
	fragment: StoredFragment,
	{ container, clock, shiftMs, repeatsParameterSets }: Packaging,
): Promise<PackagedFragment> {
	const media = await readFragmentMedia(fragment, clock, shiftMs);
	const tracks = playbackTracks(media.tracks).map((track) => ({
		track,
		samples: media.samples.get(track.number) ?? [],
		parameterSets: parameterSets(track),
	}));
	const byTrack = new Map<number, Uint8Array>();
	if (container === 'MPEG_TS') byTrack.set(0, transportSegment(tracks));
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
	const sizeBytes = [...byTrack.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
	const video = tracks.find(({ track }) => track.type === 'video');
	return { byTrack, sizeBytes, frameRate: video === undefined ? null : frameRate(video.samples) };
}

/** Parameter sets as a frame of a length-prefixed track has NAL units. */
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
