/* Recordings whose frames are not what they should be: wrong times, empty frames, parameter sets that come once. */
import { toAccessUnit } from '#lib/codecs/nal/access-unit.js';
import { trackEntry } from '../helpers/media/payload.js';
import { withFfmpeg } from '../helpers/needs.js';
import {
	decode,
	decodedFilm,
	type Film,
	type FilmFrame,
	FRAME_MS,
	FRAMES,
	filmOf,
	GROUP,
	recordingOf,
} from './made-film.js';

const CODECS = {
	'H.264': ['-c:v', 'libx264', '-g', '15', '-bf', '0'],
	'H.264 with B-frames': ['-c:v', 'libx264', '-g', '15', '-bf', '3'],
	'H.265': ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=15:bframes=3'],
	VP8: ['-c:v', 'libvpx', '-g', '15'],
} as const;

/** More than any time is wrong by: films that far apart do not meet. */
const APART_MS = 100_000;

/** A film of which one frame has another time. */
function withOutlier(film: Film, nth: number, offMs: number): Film {
	const frames = film.frames.map((frame, index) =>
		index === nth ? { ...frame, timeMs: frame.timeMs + offMs } : frame,
	);
	return { ...film, frames };
}

const OUTLIERS = {
	'30 s late': 30_000,
	'5 s late': 5000,
	'1 s late': 1010,
	'1 s early': -1010,
	'30 s early': -30_000,
} as const;

/** Those that end a recording of every codec. */
const ENDS = new Set(['30 s late', '1 s early']);

for (const [name, codec] of Object.entries(CODECS)) {
	withFfmpeg(`${name}: a frame of a wrong time has that time, and no picture is lost`, async (t) => {
		const film = await filmOf(codec);
		const right = await decodedFilm(film);
		t.is(right.pictures.length, FRAMES);
		const hashes = new Map(right.pictures.map(({ timeMs, hash }) => [timeMs, hash]));
		const lastShown = film.frames.findIndex(({ timeMs }) => timeMs === (FRAMES - 1) * FRAME_MS);
		const outliers = Object.entries(OUTLIERS);
		// In the middle of a group, and a key frame: all in one recording. The last of all ends one.
		const inside = outliers.flatMap((outlier) => [19, GROUP].map((nth) => [...outlier, nth] as const));
		const atEnd = name === 'H.264' ? outliers : outliers.filter(([how]) => ENDS.has(how));
		const atEnds = atEnd.map((outlier) => [[...outlier, FRAMES - 1] as const]);
		for (const places of [inside, ...atEnds]) {
			const films = places.map(([, offMs, nth]) => withOutlier(film, nth, offMs));
			const { pictures, failures } = await decode(recordingOf(films, { stepMs: APART_MS }));
			const said = places.map(([how, , nth]) => `frame ${nth} is ${how}`).join(', ');
			// Where the last frame in decoding order is not the last to be shown, nothing after it contradicts its time.
			const isFree = places[0]?.[2] === FRAMES - 1 && lastShown !== FRAMES - 1;
			if (isFree) t.true(failures.length <= 2, `${said}: ${failures.length} failures`);
			else t.deepEqual(failures, [], said);
			t.is(pictures.length + failures.length, films.length * FRAMES, said);
			const placed = films.flatMap(({ frames }, place) =>
				frames.map(({ timeMs }, index) => {
					const hash = hashes.get((film.frames[index] as FilmFrame).timeMs);
					return `${place * APART_MS + timeMs} ms: ${hash}`;
				}),
			);
			const isPlaced = new Set(placed);
			for (const { timeMs, hash } of pictures)
				t.true(isPlaced.has(`${timeMs} ms: ${hash}`), `${said}: ${timeMs} ms`);
		}
	});
}

withFfmpeg('everyMs continues after a wrong time', async (t) => {
	const film = withOutlier(await filmOf(CODECS['H.264 with B-frames']), 4, 30_000);
	const { pictures } = await decode(recordingOf([film]), { everyMs: 400 });
	t.deepEqual(
		pictures.map(({ timeMs }) => timeMs),
		[0, 400, 800, 1200, 1600],
	);
});

for (const [what, nothing] of Object.entries({
	'no bytes': Buffer.alloc(0),
	'a start code alone': Buffer.from([0, 0, 0, 1]),
	'lengths of nothing': Buffer.alloc(8),
})) {
	withFfmpeg(`a frame of ${what} gives no picture, and damages no other`, async (t) => {
		const film = await filmOf(CODECS['H.264']);
		const frames = [...film.frames.slice(0, 20), { timeMs: 790, keyframe: false, data: nothing }].concat(
			film.frames.slice(20),
		);
		t.deepEqual(await decode(recordingOf([{ ...film, frames }])), await decodedFilm(film));
	});
}

for (const name of ['H.264', 'H.265'] as const) {
	withFfmpeg(`${name}: parameter sets that only the first key frame has serve all that follow`, async (t) => {
		const film = await filmOf(CODECS[name]);
		const right = await decodedFilm(film);
		const bare = { entry: trackEntry(1, 'video', film.track.codecId) };
		const missing = await decode(recordingOf([film], bare));
		t.is(missing.pictures.length, 0);
		t.is(missing.failures.length, FRAMES);
		t.regex(
			missing.failures[0]?.message ?? '',
			/\(its track has no CodecPrivate, and its key frames hold no (?:VPS, )?SPS and PPS\)$/,
		);
		// As they would be before the first key frame.
		const [first, ...rest] = film.frames as [FilmFrame, ...FilmFrame[]];
		const data = toAccessUnit({ track: film.track, ...first }, 'length-prefixed');
		const whole = recordingOf([{ ...film, frames: [{ ...first, data }, ...rest] }], bare);
		t.deepEqual(await decode(whole), right);
		// The second group is left out, so that the decoder begins anew, without that key frame.
		const keys = await decode(whole, 'keyframes');
		t.deepEqual(
			keys.pictures,
			[0, 15, 30].map((index) => right.pictures[index]),
		);
	});
}
