import { trackMedia } from '../codecs/decide-track-media.js';
import type { Track } from '../model/track.js';

/** A frame as MP4 stores it: see `TrackMedia.frames`. Slices. */
export function storedFrame(track: Track, data: Uint8Array): readonly Uint8Array[] {
	return trackMedia(track).frames(data);
}
