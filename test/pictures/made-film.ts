/* Short films of every codec, as frames that a test changes before it makes a recording of them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import {
	FfmpegDecoder,
	type FrameDecoder,
	type FrameSelection,
	type MediaEvent,
	MkvReader,
	type Picture,
	PictureDecoder,
	type Track,
} from 'kvs-archive';
import { element } from '#lib/ebml/ebml-writer.js';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { makeRecording } from '../helpers/media/recordings.js';

/** Frames of a film. */
export const FRAMES = 45;

/** Frames of a group of pictures, which begins with a key frame. */
export const GROUP = 15;

export const FRAME_MS = 40;

/** A frame of a film. */
export interface FilmFrame {
	readonly timeMs: number;
	readonly keyframe: boolean;
	readonly data: Uint8Array;
}

export interface Film {
	readonly track: Track;
	/** In decoding order. */
	readonly frames: readonly FilmFrame[];
}

const films = new Map<readonly string[], Promise<Film>>();

/** A film of three groups of pictures; of each codec the same for all tests of a file. */
export function filmOf(codec: readonly string[]): Promise<Film> {
	const film = films.get(codec) ?? makeFilm(codec);
	films.set(codec, film);
	return film;
}

async function makeFilm(codec: readonly string[]): Promise<Film> {
	const source = ['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=25:d=${(FRAMES * FRAME_MS) / 1000}`];
	const file = await makeRecording([...source, '-pix_fmt', 'yuv420p', ...codec]);
	const events = Readable.from([await readFile(file)]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	const frames: FilmFrame[] = [];
	let track: Track | null = null;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		track = event.track;
		const { keyframe, data } = event;
		frames.push({ timeMs: Math.round(Number(event.timecodeNs) / 1e6), keyframe, data });
	}
	if (track === null || frames.length !== FRAMES) throw new Error(`${frames.length} frames in ${file}`);
	return { track, frames };
}

/** Films as one recording, a fragment for each group of pictures; each begins `stepMs` after the one before. */
export function recordingOf(
	recorded: readonly Film[],
	{ stepMs = FRAMES * FRAME_MS, entry }: { stepMs?: number; entry?: readonly Uint8Array[] } = {},
): Buffer {
	const documents = recorded.flatMap(({ track, frames }, place) => {
		const keys = frames.flatMap(({ keyframe }, index) => (keyframe && index % GROUP === 0 ? [index] : []));
		return keys.map((from, nth) => {
			// Where the key frame itself says nonsense, its fragment does not.
			const clusterMs = nth * GROUP * FRAME_MS;
			const fromStartMs = place * stepMs + clusterMs;
			return fragmentDocument({
				number: fragmentNumber(place * keys.length + nth + 1),
				producerMs: startMs + fromStartMs,
				timecode: BigInt(fromStartMs),
				tracks: [[...(entry ?? element('TrackEntry', [track.entry]))]],
				blocks: frames.slice(from, keys[nth + 1]).map(({ timeMs, keyframe, data }) => ({
					trackNumber: track.number,
					relativeTicks: timeMs - clusterMs,
					keyframe,
					data,
				})),
			});
		});
	});
	return Buffer.concat(documents);
}

/** A decoded picture: where it is in the recording, and a hash of it. */
export interface DecodedFrame {
	readonly timeMs: number;
	readonly hash: string;
}

/** What came of decoding a recording, in the order in which it came. */
export interface DecodedFilm {
	readonly pictures: readonly DecodedFrame[];
	readonly failures: readonly { readonly timeMs: number; readonly message: string }[];
}

/** ffmpeg, as if it cost nothing to begin: films are short. */
const readyFfmpeg: FrameDecoder = {
	open: (...what) => new FfmpegDecoder().open(...what),
};

/** Decodes a recording. */
export async function decode(
	payload: Uint8Array,
	select: FrameSelection = 'all',
	decoders = 1,
): Promise<DecodedFilm> {
	const failures: { timeMs: number; message: string }[] = [];
	const decoder = new PictureDecoder({
		format: 'nv12',
		select,
		decoder: readyFfmpeg,
		decoders,
		onFailure: ({ frame, message }) =>
			failures.push({ timeMs: (frame.timestampMs as number) - startMs, message }),
	});
	pipeline(Readable.from([payload]), new MkvReader(), decoder, () => {});
	const pictures: DecodedFrame[] = [];
	for await (const { data, timestampMs } of decoder as AsyncIterable<Picture>) {
		const hash = createHash('md5').update(data).digest('hex');
		pictures.push({ timeMs: (timestampMs as number) - startMs, hash });
	}
	return { pictures, failures };
}

const decoded = new Map<Film, Promise<DecodedFilm>>();

/** What a film decodes to where nothing is wrong with it; once for all tests of a file. */
export function decodedFilm(film: Film): Promise<DecodedFilm> {
	const right = decoded.get(film) ?? decode(recordingOf([film]));
	decoded.set(film, right);
	return right;
}
