import type { Track } from '../model/track.js';

/**
 * What a track really holds, in the form that every container and decoder here is given. The one place where that is decided:
 * sinks, playback, pictures and the timeline ask {@link trackMedia}.
 */
export interface TrackMedia {
	/**
	 * The track as it should have been described: a registered CodecID; for H.264 and H.265 a decoder configuration record as
	 * CodecPrivate and lengths before the NAL units; for AAC an AudioSpecificConfig; for Opus an OpusHead; sizes from the
	 * SPS, rates from WAVEFORMATEX, where the container lacks or contradicts them. The same object as the track that was
	 * read where that is right already, and the same for equal input: a change of track is a change of identity. `entry` is
	 * still the producer's; `trackEntry` of lib/mkv writes one that agrees.
	 */
	readonly track: Track;
	/** What is missing to describe the track, in words that follow "it has"; null where nothing is. */
	readonly missing: string | null;
	/**
	 * The frames of `track` in the bytes of one frame as it was stored. Usually one, and these very bytes (no copy). None for
	 * an empty frame: no bytes, or only start codes or NAL units without a byte. Several where AAC comes as several ADTS
	 * frames in one, each as long as `codedDurationMs` says. H.264 and H.265 that is neither in Annex B nor with lengths that
	 * add up comes back as it is, and `isWhole` is false of it.
	 *
	 * Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a NAL unit that is too long for the lengths of its track.
	 */
	frames(stored: Uint8Array): readonly Uint8Array[];
	/** Whether a frame of `track` is made of whole NAL units; true for every other codec. */
	isWhole(frame: Uint8Array): boolean;
}
