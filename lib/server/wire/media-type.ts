import { registeredCodecId } from '../../codecs/codec.js';
import type { Track } from '../../model/track.js';

/** Media types by Matroska CodecID, as producers give them to CreateStream. */
const mediaTypes: Readonly<Record<string, string>> = {
	'V_MPEG4/ISO/AVC': 'video/h264',
	'V_MPEGH/ISO/HEVC': 'video/h265',
	V_VP8: 'video/vp8',
	V_VP9: 'video/vp9',
	V_AV1: 'video/av1',
	A_AAC: 'audio/aac',
	A_OPUS: 'audio/opus',
	A_VORBIS: 'audio/vorbis',
	'A_MPEG/L3': 'audio/mpeg',
	A_FLAC: 'audio/flac',
};

const UNKNOWN_MEDIA_TYPE = 'application/octet-stream';

/** A stream's MediaType, one for each track: `video/h264,audio/aac`. */
export function mediaTypeOf(tracks: readonly Track[]): string {
	const types = tracks.map(({ codecId }) => mediaTypes[registeredCodecId(codecId)] ?? UNKNOWN_MEDIA_TYPE);
	return types.join(',') || UNKNOWN_MEDIA_TYPE;
}
