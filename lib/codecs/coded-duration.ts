import type { Track } from '../model/track.js';
import { aacFrameMs } from './aac-duration.js';
import { audioDurationMs } from './audio-format.js';
import { dolbyFrameMs, mpegAudioFrameMs } from './audio-frame-header.js';

/** Lengths of Opus frames in milliseconds, by the number of their configuration (RFC 6716 §3.1). */
const silkFrames = [10, 20, 40, 60];
const hybridFrames = [10, 20];
const celtFrames = [2.5, 5, 10, 20];
const opusFrames = [
	[silkFrames, silkFrames, silkFrames],
	[hybridFrames, hybridFrames],
	[celtFrames, celtFrames, celtFrames, celtFrames],
].flat(2);

/** Longest duration of an Opus packet (RFC 6716 §3.2.5, R5). */
const MAX_OPUS_PACKET_MS = 120;

/**
 * How long an audio frame lasts by its codec, in milliseconds, which its container need not say: PCM and G.711 (by bytes,
 * whatever the CodecID: `A_MS/ACM` and Amazon Connect too), AAC, Opus, MPEG audio, AC-3 and E-AC-3. Null for anything else
 * and where the frame does not say.
 */
export function codedDurationMs(track: Track, data: Uint8Array): number | null {
	switch (track.codec) {
		case 'opus':
			return opusPacketMs(data);
		case 'mp3':
			return mpegAudioFrameMs(data);
		case 'ac-3':
		case 'ec-3':
			return dolbyFrameMs(data);
		case null:
			// RFC 6381 has no name for layers I and II of MPEG audio.
			return track.codecId === 'A_MPEG/L1' || track.codecId === 'A_MPEG/L2'
				? mpegAudioFrameMs(data)
				: audioDurationMs(track, data.byteLength);
		default:
			return aacFrameMs(track) ?? audioDurationMs(track, data.byteLength);
	}
}

/** One frame, or two of them, or as many as the byte after the first says (RFC 6716 §3.2). */
function opusPacketMs([toc, counts]: Uint8Array): number | null {
	if (toc === undefined) return null;
	const frameMs = opusFrames[toc >> 3] as number;
	const code = toc & 3;
	if (code !== 3) return frameMs * Math.min(2, code + 1);
	const packetMs = frameMs * ((counts ?? 0) & 0x3f);
	return packetMs > 0 && packetMs <= MAX_OPUS_PACKET_MS ? packetMs : null;
}
