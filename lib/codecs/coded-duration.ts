import type { Track } from '../model/track.js';

/** Samples of a frame of AAC-LC (ISO 14496-3 §4.5.2.1). */
export const AAC_FRAME_SAMPLES = 1024;

/** Lengths of Opus frames in milliseconds, by the number of their configuration (RFC 6716 §3.1). */
const silkFrames = [10, 20, 40, 60];
const hybridFrames = [10, 20];
const celtFrames = [2.5, 5, 10, 20];
const opusFrames = [
	[silkFrames, silkFrames, silkFrames],
	[hybridFrames, hybridFrames],
	[celtFrames, celtFrames, celtFrames, celtFrames],
].flat(2);

/** How long a frame of AAC-LC or Opus lasts, which its container need not say. Null for anything else. */
export function codedDurationMs({ codec, sampleRate }: Track, data: Uint8Array): number | null {
	if (codec === 'mp4a.40.2' && sampleRate) return (AAC_FRAME_SAMPLES * 1000) / sampleRate;
	const [toc, counts] = data;
	if (codec !== 'opus' || toc === undefined) return null;
	const frameMs = opusFrames[toc >> 3] as number;
	// One frame, or two of them, or as many as the next byte says.
	const code = toc & 3;
	return frameMs * (code === 3 ? (counts ?? 0) & 0x3f : Math.min(2, code + 1));
}
