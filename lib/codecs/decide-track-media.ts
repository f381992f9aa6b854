import type { Track } from '../model/track.js';
import { audioMedia } from './audio-media.js';
import { nalCodecOf } from './nal/access-unit.js';
import type { TrackMedia } from './track-media.js';
import { isEmptyAccessUnit, videoMedia } from './video-media.js';

/** By the track that was read: what could be decided without its frames, else nothing. */
const decided = new WeakMap<Track, TrackMedia>();

/** By the track that was read and what its frames added, where it took frames: the youngest ones. */
const decidedByFrames = new WeakMap<Track, Map<string, TrackMedia>>();
const MAX_KEPT = 16;

/**
 * Decides what a track holds. `frames` are the stored bytes of the first frames of this track in a fragment, key frames among
 * them; they are looked at, as far as is needed, only where the header does not say enough: H.264 and H.265 without
 * parameter sets in CodecPrivate (those of the first key frame count), AAC without an AudioSpecificConfig (that of
 * an ADTS header). A track that needs them and gets none has `missing`.
 *
 * Cheap to ask again: what was decided is kept by the identity of `track`.
 */
export function trackMedia(track: Track, frames: Iterable<Uint8Array> = []): TrackMedia {
	const known = decided.get(track);
	if (known !== undefined) return known;
	let hasAskedFrames = false;
	const media = decide(track, {
		[Symbol.iterator]: () => {
			hasAskedFrames = true;
			return frames[Symbol.iterator]();
		},
	});
	if (!hasAskedFrames) {
		decided.set(track, media);
		return media;
	}
	return oneOf(track, media);
}

function decide(track: Track, frames: Iterable<Uint8Array>): TrackMedia {
	const codec = nalCodecOf(track);
	return codec === null ? audioMedia(track, frames) : videoMedia(track, codec, frames);
}

/** The same object for what is equal. */
function oneOf(track: Track, media: TrackMedia): TrackMedia {
	const key = Buffer.from(media.track.codecPrivate ?? []).toString('latin1');
	const known = decidedByFrames.get(track) ?? new Map<string, TrackMedia>();
	decidedByFrames.set(track, known);
	const kept = known.get(key);
	if (kept !== undefined) return kept;
	if (known.size === MAX_KEPT) known.clear();
	known.set(key, media);
	return media;
}

/** Whether a frame holds nothing, so that it is not one of `frames`. As cheap as it gets: of most frames one byte is read. */
export function isEmptyFrame({ track, data }: { readonly track: Track; readonly data: Uint8Array }): boolean {
	return data.byteLength === 0 || (nalCodecOf(track) !== null && isEmptyAccessUnit(data));
}
