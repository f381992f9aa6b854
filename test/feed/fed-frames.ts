import { FeedCutter } from '#lib/feed/feed-cutter.js';
import { encodeFragment, encodeHeader, encodeTags } from '#lib/feed/feed-fragment.js';
import type { FeedFrame } from '#lib/feed/feed-frame.js';
import { chooseTracks, type FeedTracks } from '#lib/feed/feed-tracks.js';
import { readTracks } from '#lib/mkv/tracks.js';
import { audioTrack, trackEntry, videoTrack } from '../helpers/media/payload.js';
import { type Reading, read } from '../server/put-media/record.js';

/** Video as track 1, audio as track 2. */
export const both = chosen([videoTrack, audioTrack]);
export const videoOnly = chosen([videoTrack]);
export const audioOnly = chosen([trackEntry(1, 'audio', 'A_TEST')]);

/** The tracks of such TrackEntries, as a feed chooses among them. */
export function chosen(entries: readonly (readonly Uint8Array[])[]): FeedTracks {
	return chooseTracks(readTracks(Buffer.concat(entries.flat())));
}

/** A frame of one byte. */
export function frame(trackNumber: number, timeMs: number, fields: Partial<FeedFrame> = {}): FeedFrame {
	const data = Buffer.of(trackNumber);
	return {
		trackNumber,
		timeMs,
		keyframe: false,
		flags: 0,
		durationMs: undefined,
		others: [],
		data,
		...fields,
	};
}

/** Frames of a track from one time to another, in steps; of video with a key frame every so often. */
export function run(
	trackNumber: number,
	fromMs: number,
	toMs: number,
	stepMs: number,
	keyEveryMs = 0,
): FeedFrame[] {
	const frames: FeedFrame[] = [];
	for (let timeMs = fromMs; timeMs < toMs; timeMs += stepMs) {
		frames.push(
			frame(trackNumber, timeMs, { keyframe: keyEveryMs > 0 && (timeMs - fromMs) % keyEveryMs === 0 }),
		);
	}
	return frames;
}

/** Frames of several tracks as a muxer orders them; audio may come so much later than video. */
export function interleaved(lagMs: number, ...tracks: readonly FeedFrame[][]): FeedFrame[] {
	const place = ({ trackNumber, timeMs }: FeedFrame): number => timeMs + (trackNumber === 1 ? 0 : lagMs);
	return tracks.flat().toSorted((a, b) => place(a) - place(b));
}

/** What frames are cut into, and the error that it ended with. */
export interface Cutting {
	readonly fragments: readonly FeedFrame[][];
	readonly error: unknown;
}

/** Cuts frames; `maxBytes` as of a fragment of the service. */
export function cut(tracks: FeedTracks, frames: readonly FeedFrame[], maxBytes = 49_000_000): Cutting {
	const cutter = new FeedCutter(tracks, maxBytes);
	let error: unknown = null;
	try {
		for (const one of frames) cutter.add(one);
		cutter.finish();
	} catch (thrown) {
		error = thrown;
	}
	return { fragments: cutter.finished, error };
}

/** The body that they are sent as, read as the server reads it. */
export function received(tracks: FeedTracks, fragments: readonly FeedFrame[][]): Reading {
	const trailer = encodeTags([['site', 'north']]);
	return read([
		encodeHeader(tracks.tracks),
		...fragments.map((frames) => encodeFragment(frames, trailer).bytes),
	]);
}
