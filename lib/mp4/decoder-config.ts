import type { AudioCodec, VideoCodec } from 'mediabunny';
import { trackMedia } from '../codecs/decide-track-media.js';
import { OPUS_HEAD_BYTES } from '../codecs/opus-head.js';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';

/** What mediabunny takes to describe a track in a file. */
export type TrackDescription =
	| {
			readonly type: 'video';
			readonly codec: VideoCodec;
			readonly decoderConfig: VideoDecoderConfig;
			/** Degrees, clockwise. */
			readonly rotation: Track['rotation'];
	  }
	| { readonly type: 'audio'; readonly codec: AudioCodec; readonly decoderConfig: AudioDecoderConfig };

/** Codec strings of one codec begin so, in mediabunny's name for it. */
const videoCodecs: readonly (readonly [RegExp, VideoCodec])[] = [
	[/^avc1\./, 'avc'],
	[/^hvc1\./, 'hevc'],
];
const audioCodecs: readonly (readonly [RegExp, AudioCodec])[] = [
	[/^mp4a\.40\./, 'aac'],
	[/^opus$/, 'opus'],
	[/^ulaw$/, 'ulaw'],
	[/^alaw$/, 'alaw'],
];

/** PCM that MP4 or MOV holds: mediabunny's own list, which is not imported as loading mediabunny takes longer than all else here. */
export const pcmCodecs: readonly AudioCodec[] = [
	'pcm-s16',
	'pcm-s16be',
	'pcm-s24',
	'pcm-s24be',
	'pcm-s32',
	'pcm-s32be',
	'pcm-f32',
	'pcm-f32be',
	'pcm-f64',
	'pcm-f64be',
	'pcm-u8',
	'pcm-s8',
	'ulaw',
	'alaw',
];

/** What MP4 says of a track. Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for one that nothing here can describe. */
export function describeTrack(stored: Track): TrackDescription {
	const { track, missing } = trackMedia(stored);
	if (missing !== null) throw unsupported(track, `it has ${missing}`);
	const codec = track.codec ?? '';
	const description = track.codecPrivate;
	const videoCodec = videoCodecs.find(([pattern]) => pattern.test(codec))?.[1];
	if (videoCodec !== undefined && description !== null) {
		const { width: codedWidth, height: codedHeight } = track;
		if (!codedWidth || !codedHeight) throw unsupported(track, 'its width or height is unknown');
		return {
			type: 'video',
			codec: videoCodec,
			rotation: track.rotation,
			decoderConfig: { codec, codedWidth, codedHeight, description },
		};
	}
	const audioCodec = audioCodecs.find(([pattern]) => pattern.test(codec))?.[1] ?? pcmCodec(track);
	if (audioCodec === undefined) {
		throw unsupported(track, `its codec (${track.codec ?? 'unknown'}) is not supported in MP4`);
	}
	const { sampleRate, channels: numberOfChannels } = track;
	if (!sampleRate || !numberOfChannels)
		throw unsupported(track, 'its sample rate or number of channels is unknown');
	const config = { codec: codec || audioCodec, sampleRate, numberOfChannels };
	const needsDescription = audioCodec === 'aac' || audioCodec === 'opus';
	if (!needsDescription) return { type: 'audio', codec: audioCodec, decoderConfig: config };
	if (description === null || (audioCodec === 'opus' && description.byteLength < OPUS_HEAD_BYTES)) {
		throw unsupported(track, 'it has no CodecPrivate that is valid');
	}
	return { type: 'audio', codec: audioCodec, decoderConfig: { ...config, description } };
}

/** Matroska has a CodecID of its own for samples whose most significant byte comes first, and `Track.codec` no name. */
function pcmCodec({ codec, codecId, bitDepth }: Track): AudioCodec | undefined {
	const name = codecId === 'A_PCM/INT/BIG' ? `pcm-s${bitDepth ?? 0}be` : codec;
	return pcmCodecs.find((known) => known === name);
}

function unsupported({ number, codecId }: Track, reason: string): MediaError {
	return new MediaError(
		'KVS_MEDIA_UNSUPPORTED',
		`track ${number} (${codecId}) cannot be described in MP4: ${reason}`,
	);
}
