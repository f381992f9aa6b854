import type { Track } from '../../model/track.js';
import type { Sample } from '../../mp4/sample-times.js';
import { aacFrameMs } from './even-sound.js';

/** A frame of AAC-LC in which nothing is heard, by the number of channels (ISO 14496-3 §4.4). */
const silentFrames: ReadonlyMap<number | undefined, Uint8Array> = new Map([
	[1, Buffer.from('00c800802380', 'hex')],
	[2, Buffer.from('210049900219002380', 'hex')],
]);

const AAC_LC = 'mp4a.40.2';

/** Sound and pictures that belong together may be in neighbouring fragments; what lacks more than this is not there. */
const MAX_HOLE_MS = 500;

/**
 * The sound of a fragment, with silence where it has none though there are pictures: all the way, before it begins, and
 * behind its end. Without it browsers wait for sound that never comes, or leave the pictures out.
 *
 * Silent frames are at multiples of their length, so that those of two fragments never meet. At the start one is left out:
 * the sound before it may reach into the fragment. Nothing is added to a configuration of which no silent frame is known here.
 */
export function withSilence(track: Track, sound: readonly Sample[], pictures: readonly Sample[]): Sample[] {
	const frameMs = aacFrameMs(track);
	const data = track.codec === AAC_LC ? silentFrames.get(track.channels) : undefined;
	if (frameMs === null || data === undefined || pictures.length === 0) return [...sound];
	const silence = (fromMs: number, toMs: number): Sample[] => {
		const first = Math.ceil(fromMs / frameMs);
		const count = Math.max(0, Math.ceil(toMs / frameMs) - first);
		return Array.from({ length: count }, (_, index) => {
			return { data, ms: (first + index) * frameMs, durationMs: frameMs, keyframe: true };
		});
	};
	const times = pictures.map(({ ms }) => ms);
	const startMs = Math.min(...times);
	const lastMs = Math.max(...times);
	const endMs = lastMs + (lastMs - startMs) / Math.max(1, pictures.length - 1);
	const [first] = sound;
	const last = sound.at(-1);
	if (first === undefined || last === undefined)
		return silence(startMs + frameMs, Math.max(endMs, startMs + 2 * frameMs));
	const before = first.ms - startMs > MAX_HOLE_MS ? silence(startMs + frameMs, first.ms - frameMs) : [];
	const soundEndMs = last.ms + frameMs;
	const after = endMs - soundEndMs > MAX_HOLE_MS ? silence(soundEndMs, endMs) : [];
	return [...before, ...sound, ...after];
}
