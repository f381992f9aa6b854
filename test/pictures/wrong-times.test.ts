/* Recordings whose frames are not what they should be: wrong times, empty frames, parameter sets that come once. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import {
	type DecodeFailure,
	type FrameSelection,
	type MediaEvent,
	MkvReader,
	type Picture,
	PictureDecoder,
	type Track,
} from 'kvs-archive';
import { toAccessUnit } from '#lib/codecs/nal/access-unit.js';
import { element } from '#lib/ebml/ebml-writer.js';
import { withFfmpeg } from '../helpers/needs.js';
import { fragmentDocument, fragmentNumber, trackEntry } from '../helpers/payload.js';
import { startMs } from '../helpers/range.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const CODECS = {
	'H.264': ['-c:v', 'libx264', '-g', '15', '-bf', '0'],
	'H.264 with B-frames': ['-c:v', 'libx264', '-g', '15', '-bf', '3'],
	'H.265': ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=15:bframes=3'],
	VP8: ['-c:v', 'libvpx', '-g', '15'],
} as const;

const FRAMES = 45;
const FRAME_MS = 40;

/** A frame of a film. */
interface FilmFrame {
	readonly timeMs: number;
	readonly keyframe: boolean;
	readonly data: Uint8Array;
}

interface Film {
	readonly track: Track;
	/** In decoding order. */
	readonly frames: readonly FilmFrame[];
}

const films = new Map<readonly string[], Promise<Film>>();

/** A film of 1.8 s, a key frame each 600 ms; of each codec the same for all tests. */
function filmOf(t: ExecutionContext, codec: readonly string[]): Promise<Film> {
	const film = films.get(codec) ?? makeFilm(t, codec);
	films.set(codec, film);
	return film;
}

const decodedFilms = new Map<Film, Promise<Decoded>>();

/** What a film decodes to where nothing is wrong with it. */
function decodedFilm(film: Film): Promise<Decoded> {
	const decoded = decodedFilms.get(film) ?? decode(recordingOf(film));
	decodedFilms.set(film, decoded);
	return decoded;
}

async function makeFilm(t: ExecutionContext, codec: readonly string[]): Promise<Film> {
	const file = join(await temporaryDirectory(t), 'film.mkv');
	const source = ['-f', 'lavfi', '-i', `testsrc2=s=160x120:r=25:d=${(FRAMES * FRAME_MS) / 1000}`];
	const args = ['-nostdin', '-v', 'error', ...source, '-pix_fmt', 'yuv420p', ...codec, file];
	const { code, stderr } = await run('ffmpeg', args);
	t.is(code, 0, stderr);
	const events = Readable.from([await readFile(file)]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	const frames: FilmFrame[] = [];
	let track: Track | null = null;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		track = event.track;
		const { keyframe, data } = event;
		frames.push({ timeMs: Math.round(Number(event.timecodeNs) / 1e6), keyframe, data });
	}
	t.is(frames.length, FRAMES);
	return { track: track as Track, frames };
}

/** The film as a recording, a fragment for each key frame. */
function recordingOf({ track, frames }: Film, entry = element('TrackEntry', [track.entry])): Buffer {
	const keys = frames.flatMap(({ keyframe }, index) => (keyframe ? [index] : []));
	return Buffer.concat(
		keys.map((from, nth) => {
			// Where the key frame itself says nonsense, its fragment does not.
			const clusterMs = nth * 15 * FRAME_MS;
			return fragmentDocument({
				number: fragmentNumber(nth + 1),
				producerMs: startMs + clusterMs,
				timecode: BigInt(clusterMs),
				tracks: [entry],
				blocks: frames.slice(from, keys[nth + 1]).map(({ timeMs, keyframe, data }) => ({
					trackNumber: track.number,
					relativeTicks: timeMs - clusterMs,
					keyframe,
					data,
				})),
			});
		}),
	);
}

interface Decoded {
	/** In the order in which they came. */
	readonly hashes: readonly string[];
	readonly timesMs: readonly number[];
	readonly failures: readonly string[];
}

async function decode(payload: Uint8Array, select: FrameSelection = 'all'): Promise<Decoded> {
	const failures: string[] = [];
	const onFailure = ({ message }: DecodeFailure): unknown => failures.push(message);
	const decoder = new PictureDecoder({ format: 'nv12', select, onFailure });
	pipeline(Readable.from([payload]), new MkvReader(), decoder, () => {});
	const hashes: string[] = [];
	const timesMs: number[] = [];
	for await (const { data, timestampMs } of decoder as AsyncIterable<Picture>) {
		hashes.push(createHash('md5').update(data).digest('hex'));
		timesMs.push((timestampMs as number) - startMs);
	}
	return { hashes, timesMs, failures };
}

const OUTLIERS = {
	'30 s late': 30_000,
	'5 s late': 5000,
	'1 s late': 1010,
	'1 s early': -1010,
	'30 s early': -30_000,
} as const;

for (const [name, codec] of Object.entries(CODECS)) {
	for (const [how, offMs] of Object.entries(OUTLIERS)) {
		withFfmpeg(`${name}: a frame that is ${how} has that time, and no picture is lost`, async (t) => {
			const film = await filmOf(t, codec);
			const right = await decodedFilm(film);
			t.is(right.hashes.length, FRAMES);
			const hashOf = (timeMs: number): string | undefined => right.hashes[right.timesMs.indexOf(timeMs)];
			const lastShown = film.frames.findIndex(({ timeMs }) => timeMs === (FRAMES - 1) * FRAME_MS);
			// In the middle of a group, a key frame, and the last of all.
			for (const nth of [19, 15, FRAMES - 1]) {
				const frames = film.frames.map((frame, index) =>
					index === nth ? { ...frame, timeMs: frame.timeMs + offMs } : frame,
				);
				const { hashes, timesMs, failures } = await decode(recordingOf({ ...film, frames }));
				const placed = frames.map(({ timeMs }, index) => [
					timeMs,
					hashOf((film.frames[index] as FilmFrame).timeMs),
				]);
				const got = timesMs.map((timeMs, at) => [timeMs, hashes[at]]);
				// Where the last frame in decoding order is not the last to be shown, nothing after it contradicts its time.
				const isFree = nth === FRAMES - 1 && nth !== lastShown;
				if (isFree) t.true(failures.length <= 2, `frame ${nth}: ${failures.length} failures`);
				else t.deepEqual(failures, [], `frame ${nth}`);
				t.is(got.length + failures.length, FRAMES, `frame ${nth}`);
				for (const picture of got) {
					t.true(
						placed.some((other) => isDeepStrictEqual(other, picture)),
						`frame ${nth}: ${picture[0]} ms`,
					);
				}
			}
		});
	}
}

withFfmpeg('everyMs continues after a wrong time', async (t) => {
	const film = await filmOf(t, CODECS['H.264 with B-frames']);
	const frames = film.frames.map((frame, index) =>
		index === 4 ? { ...frame, timeMs: frame.timeMs + 30_000 } : frame,
	);
	const { timesMs } = await decode(recordingOf({ ...film, frames }), { everyMs: 400 });
	t.deepEqual(timesMs, [0, 400, 800, 1200, 1600]);
});

for (const [what, nothing] of Object.entries({
	'no bytes': Buffer.alloc(0),
	'a start code alone': Buffer.from([0, 0, 0, 1]),
	'lengths of nothing': Buffer.alloc(8),
})) {
	withFfmpeg(`a frame of ${what} is not a picture, and spoils none`, async (t) => {
		const film = await filmOf(t, CODECS['H.264']);
		const frames = [...film.frames.slice(0, 20), { timeMs: 790, keyframe: false, data: nothing }].concat(
			film.frames.slice(20),
		);
		const { hashes, failures } = await decode(recordingOf({ ...film, frames }));
		t.deepEqual(failures, []);
		t.deepEqual(hashes, (await decode(recordingOf(film))).hashes);
	});
}

for (const name of ['H.264', 'H.265'] as const) {
	withFfmpeg(`${name}: parameter sets that only the first key frame has serve all that follow`, async (t) => {
		const film = await filmOf(t, CODECS[name]);
		const { hashes } = await decode(recordingOf(film));
		const bare = trackEntry(1, 'video', film.track.codecId);
		const missing = await decode(recordingOf(film, bare));
		t.is(missing.hashes.length, 0);
		t.is(missing.failures.length, FRAMES);
		t.regex(
			missing.failures[0] as string,
			/\(its track has no CodecPrivate, and its key frames hold no (?:VPS, )?SPS and PPS\)$/,
		);
		// As they would be in front of the first key frame.
		const [first, ...rest] = film.frames as [FilmFrame, ...FilmFrame[]];
		const data = toAccessUnit({ track: film.track, ...first }, 'length-prefixed');
		const frames = [{ ...first, data }, ...rest];
		const { hashes: again, failures } = await decode(recordingOf({ ...film, frames }, bare));
		t.deepEqual(failures, []);
		t.deepEqual(again, hashes);
		// The second group is left out, so that the decoder begins anew, without that key frame.
		const keys = await decode(recordingOf({ ...film, frames }, bare), 'keyframes');
		t.deepEqual(keys.hashes, [hashes[0], hashes[15], hashes[30]]);
	});
}
