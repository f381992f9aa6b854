import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import {
	type DecodedFilm,
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

/** Films of three groups of pictures with B-frames, of several slices where the codec's decoder tells them apart. */
const CODECS = {
	'H.264 with CABAC': ['-c:v', 'libx264', '-bf', '3', '-g', '15', '-x264-params', 'cabac=1:slices=3'],
	'H.264 with CAVLC': ['-c:v', 'libx264', '-bf', '3', '-g', '15', '-x264-params', 'cabac=0'],
	'H.265': ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=15:bframes=3'],
	'H.265 with hashes': ['-c:v', 'libx265', '-x265-params', 'log-level=none:keyint=15:bframes=3:hash=1'],
	VP8: ['-c:v', 'libvpx', '-g', '15'],
	'Motion JPEG': ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'],
} as const;

/** The damages: what becomes of a part of a frame's bytes. */
const DAMAGES = {
	noise: (bytes: Uint8Array, random: () => number) => {
		for (let at = 0; at < bytes.length; at++) bytes[at] = random() & 0xff;
	},
	zeros: (bytes: Uint8Array) => bytes.fill(0),
	ones: (bytes: Uint8Array) => bytes.fill(0xff),
	'a flipped bit': (bytes: Uint8Array, random: () => number) => {
		bytes[0] = (bytes[0] as number) ^ (1 << (random() & 7));
	},
} as const;

/** One of each sort: a key frame, frames others refer to, frames none refers to. */
const PLACES = [0, 16, 18, 33];

/** Numerical Recipes' linear congruential generator: the same numbers every time. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state >>> 16;
	};
}

/** A film of which one frame has other bytes. */
function changed(film: Film, nth: number, change: (data: Buffer) => void): Film {
	const frames = film.frames.map((frame, index) => {
		if (index !== nth) return frame;
		const data = Buffer.from(frame.data);
		change(data);
		return { ...frame, data };
	});
	return { ...film, frames };
}

/** What ffmpeg by itself says of films. */
async function complaintsOf(t: ExecutionContext, films: readonly Film[]): Promise<string> {
	const directory = await temporaryDirectory(t);
	const files = films.map((_, index) => join(directory, `${index}.mkv`));
	for (const [index, film] of films.entries()) await writeFile(files[index] as string, recordingOf([film]));
	const { stderr } = await run('ffmpeg', [
		...'-nostdin -nostats -v repeat+level+info'.split(' '),
		...files.flatMap((file) => ['-threads', '1', '-i', file]),
		...files.flatMap((_, index) => ['-map', `${index}`, '-f', 'null', '-']),
	]);
	return (
		stderr
			.split('\n')
			.filter((line) => /\[error\]|concealing|corrupt decoded frame|Error parsing NAL/.test(line))
			// Its demuxer's, of Segments of unknown length.
			.filter((line) => !line.startsWith('[matroska'))
			.join('\n')
	);
}

/** What is said of a frame after a damaged one depends on whether ffmpeg has come to the damage when it is its turn. */
const timesOf = (failures: DecodedFilm['failures']): number[] =>
	failures.map(({ timeMs }) => timeMs).toSorted((a, b) => a - b);

const FILM_MS = FRAMES * FRAME_MS;

for (const [name, codec] of Object.entries(CODECS)) {
	withFfmpeg(`${name}: a frame with a decoder error is reported, and gives no picture`, async (t) => {
		const film = await filmOf(codec);
		const clean = await decodedFilm(film);
		t.is(clean.pictures.length, FRAMES);
		t.deepEqual(clean.failures, []);
		const right = new Map(clean.pictures.map(({ timeMs, hash }) => [timeMs, hash]));
		const random = randomFrom(7);
		const group = (timeMs: number): number => Math.floor(timeMs / FRAME_MS / GROUP);
		const unseen = new Map<string, Film>();
		let [handedOutCount, reportedCount, undetectedCount] = [0, 0, 0];
		for (const [kind, damage] of Object.entries(DAMAGES)) {
			const films = PLACES.map((nth) =>
				changed(film, nth, (data) => {
					const at = Math.floor(data.length * (0.4 + (random() % 40) / 100));
					damage(data.subarray(at, at + 24), random);
				}),
			);
			// One recording, so that one decoder meets them all: at the very beginning, and when it is under way.
			const recording = recordingOf(films);
			const { pictures, failures } = await decode(recording);
			if (kind === 'noise') {
				const many = await decode(recording, 'all', 3);
				t.deepEqual(many.pictures, pictures);
				t.deepEqual(timesOf(many.failures), timesOf(failures), 'the same are reported with several decoders');
			}
			handedOutCount += pictures.length;
			reportedCount += failures.length;
			for (const [place, nth] of PLACES.entries()) {
				const label = `${kind} in frame ${nth}`;
				const isHere = ({ timeMs }: { timeMs: number }): boolean => Math.floor(timeMs / FILM_MS) === place;
				const own = group(place * FILM_MS + (film.frames[nth] as FilmFrame).timeMs);
				const [given, failed] = [pictures.filter(isHere), failures.filter(isHere)];
				t.is(given.length + failed.length, FRAMES, `${label}: every frame is accounted for`);
				const wrong = given.filter(({ timeMs, hash }) => right.get(timeMs - place * FILM_MS) !== hash);
				for (const { timeMs } of failed) t.is(group(timeMs), own, `${label}: none of another group`);
				for (const { timeMs } of wrong) t.is(group(timeMs), own, `${label}: none of another group is wrong`);
				if (wrong.length === 0) continue;
				undetectedCount += wrong.length;
				unseen.set(`${label}: ${wrong.length} wrong pictures handed out`, films[place] as Film);
			}
		}
		const labels = [...unseen.keys()].join('\n');
		if (unseen.size > 0) t.is(await complaintsOf(t, [...unseen.values()]), '', labels);
		t.log(
			`${handedOutCount} handed out, ${reportedCount} reported, ${undetectedCount} wrong unseen by ffmpeg`,
		);
		// Where the hash itself was hit, there is none to compare.
		if (name === 'H.265 with hashes') t.true(undetectedCount <= 1);
		// ffmpeg's VP8 says nothing of any of these.
		if (name !== 'VP8') t.true(reportedCount > 0);
	});
}

withFfmpeg(
	'the frames before a damaged one in decoding order are handed out, and the next group',
	async (t) => {
		const film = await filmOf(CODECS['H.264 with CAVLC']);
		const nth = 24;
		// Within the lengths of its NAL units, which end the file's frame.
		const damaged = changed(film, nth, (data) => data.fill(0, data.length >> 1));
		const { pictures, failures } = await decode(recordingOf([damaged]));
		t.true(failures.some(({ timeMs }) => timeMs === (film.frames[nth] as FilmFrame).timeMs));
		const given = new Set(pictures.map(({ timeMs }) => timeMs));
		for (const [at, { timeMs }] of film.frames.entries())
			if (at < nth || at >= 2 * GROUP) t.true(given.has(timeMs), `${at}`);
		for (const { message } of failures) t.regex(message, /\S/);
	},
);

withFfmpeg(
	'NAL unit lengths that do not match the size of the frame are reported without a decoder',
	async (t) => {
		const film = await filmOf(CODECS['H.264 with CABAC']);
		const damaged = changed(film, 44, (data) => data.writeUInt32BE(0x00ff_ffff));
		const { failures } = await decode(recordingOf([damaged]));
		const { timeMs } = film.frames[44] as FilmFrame;
		t.deepEqual(failures, [{ timeMs, message: 'the lengths of its NAL units do not match its size' }]);
	},
);
