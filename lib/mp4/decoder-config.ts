import { type AudioCodec, EncodedPacket, PCM_AUDIO_CODECS, type VideoCodec } from 'mediabunny';
import { MediaError } from '../errors.js';
import type { Track } from '../model/track.js';

/** What mediabunny is told of a track to describe it in a file. */
export type TrackDescription =
	| {
			readonly type: 'video';
			readonly codec: VideoCodec;
			readonly decoderConfig: VideoDecoderConfig;
			readonly primingPacket?: EncodedPacket;
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

/** What MP4 says of a track. Throws `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for one that nothing here can describe. */
export function describeTrack(track: Track): TrackDescription {
	const codec = track.codec ?? '';
	const videoCodec = videoCodecs.find(([pattern]) => pattern.test(codec))?.[1];
	if (videoCodec !== undefined && track.codecPrivate !== null) {
		const { width, height } = track;
		if (!width || !height) throw unsupported(track, 'nothing says how large its pictures are');
		const config = { codec, codedWidth: width, codedHeight: height };
		if (track.nalFormat === 'annex-b') {
			// A packet of parameter sets is all it takes to make a decoder configuration record of them.
			const primingPacket = new EncodedPacket(track.codecPrivate, 'key', 0, 0);
			return { type: 'video', codec: videoCodec, decoderConfig: config, primingPacket };
		}
		const decoderConfig = { ...config, description: track.codecPrivate };
		return { type: 'video', codec: videoCodec, decoderConfig };
	}
	const audioCodec = audioCodecs.find(([pattern]) => pattern.test(codec))?.[1] ?? pcmCodec(track);
	if (audioCodec !== undefined) {
		const { sampleRate, channels } = track;
		if (!sampleRate || !channels) throw unsupported(track, 'nothing says its sample rate and channels');
		const config = { codec: codec || audioCodec, sampleRate, numberOfChannels: channels };
		if (audioCodec === 'aac') {
			if (track.codecPrivate === null) throw unsupported(track, 'it has no CodecPrivate');
			return {
				type: 'audio',
				codec: audioCodec,
				decoderConfig: { ...config, description: track.codecPrivate },
			};
		}
		if (audioCodec !== 'opus') return { type: 'audio', codec: audioCodec, decoderConfig: config };
		const hasHead = (track.codecPrivate?.byteLength ?? 0) >= OPUS_HEAD_BYTES;
		const description = hasHead ? (track.codecPrivate as Uint8Array) : opusHead(channels, sampleRate);
		return { type: 'audio', codec: audioCodec, decoderConfig: { ...config, description } };
	}
	throw unsupported(track, `MP4 has no name here for its codec (${track.codec ?? 'unknown'})`);
}

/** Matroska has a CodecID of its own for samples whose most significant byte comes first, and `Track.codec` no name. */
function pcmCodec({ codec, codecId, bitDepth }: Track): AudioCodec | undefined {
	const name = codecId === 'A_PCM/INT/BIG' ? `pcm-s${bitDepth ?? 0}be` : codec;
	return PCM_AUDIO_CODECS.find((known) => known === name);
}

/** RFC 7845 §5.1. */
const OPUS_HEAD_BYTES = 19;

/** An Opus header that leaves nothing out at the start (RFC 7845 §5.1), for producers that send none. */
function opusHead(channels: number, sampleRate: number): Uint8Array {
	const head = Buffer.alloc(OPUS_HEAD_BYTES);
	head.write('OpusHead', 'latin1');
	head.writeUInt8(1, 8);
	head.writeUInt8(channels, 9);
	head.writeUInt32LE(sampleRate, 12);
	return head;
}

function unsupported({ number, codecId }: Track, reason: string): MediaError {
	return new MediaError(
		'KVS_MEDIA_UNSUPPORTED',
		`track ${number} (${codecId}) cannot be described in MP4: ${reason}`,
	);
}
