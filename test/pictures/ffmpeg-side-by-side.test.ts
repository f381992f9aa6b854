/* Several ffmpeg at a time: nothing is left of them, and one that fails spoils no more than its own. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { ExecutionContext } from 'ava';
import {
	type DecodeFailure,
	FfmpegDecoder,
	type FrameDecoder,
	MkvReader,
	type Picture,
	PictureDecoder,
} from 'kvs-archive';
import { withFfmpeg } from '../helpers/needs.js';
import { writeShellProgram } from '../helpers/program/shell-program.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { until } from '../helpers/wait.js';

/** Eight groups of H.264, one a second. */
const film = join('examples', 'media', 'clock.mkv');
const FRAME_COUNT = 240;
const GROUP = 30;
const DECODERS = 3;

interface Program {
	readonly decoder: FrameDecoder;
	/** The process ids of all that were started. */
	readonly pids: () => Promise<number[]>;
}

/** The first run waits in its second group until all have begun: alone it might be done before there is work for others. */
function allAtWork(decoder: FrameDecoder): FrameDecoder {
	let openCount = 0;
	let release = (): void => {};
	const allOpen = new Promise<void>((resolve) => {
		release = resolve;
	});
	return {
		open: (...what) => {
			const run = decoder.open(...what);
			openCount++;
			if (openCount === DECODERS) release();
			if (openCount > 1) return run;
			let fedCount = 0;
			const decodeFrame = run.decode.bind(run);
			run.decode = async function* (frame, presentationMs) {
				fedCount++;
				if (fedCount > GROUP) await allOpen;
				yield* decodeFrame(frame, presentationMs);
			};
			return run;
		},
	};
}

/** A program in place of ffmpeg; `$nth` is the how many-th it is, from 0. */
async function programOf(t: ExecutionContext, body: string): Promise<Program> {
	const directory = await temporaryDirectory(t);
	const path = join(directory, 'decoder');
	const count = `nth=0; until mkdir "$0.$nth" 2> /dev/null; do nth=$((nth + 1)); done; echo $$ > "$0.new$nth"; mv "$0.new$nth" "$0.$nth/pid"`;
	writeShellProgram(path, `${count}\n${body}`);
	return {
		decoder: allAtWork(new FfmpegDecoder({ path })),
		pids: async () => {
			const names = (await readdir(directory)).filter((name) => /\.\d+$/.test(name));
			const files = names.map((name) => join(directory, name, 'pid')).filter((file) => existsSync(file));
			return Promise.all(files.map(async (file) => Number(await readFile(file, 'utf8'))));
		},
	};
}

interface Decoding {
	readonly stage: PictureDecoder;
	readonly failures: DecodeFailure[];
}

async function decode(decoder: FrameDecoder): Promise<Decoding> {
	const failures: DecodeFailure[] = [];
	const onFailure = (failure: DecodeFailure): unknown => failures.push(failure);
	const stage = new PictureDecoder({ format: 'gray', decoder, decoders: DECODERS, onFailure });
	const payload = await readFile(film);
	pipeline([payload], new MkvReader(), stage, () => {});
	return { stage, failures };
}

async function isOver(t: ExecutionContext, { stage }: Decoding, { pids }: Program): Promise<void> {
	if (!stage.closed) await new Promise((resolve) => stage.once('close', resolve));
	for (const pid of await pids()) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, `${pid}`);
}

async function timesOf({ stage }: Decoding): Promise<number[]> {
	const times: number[] = [];
	for await (const { frame } of stage as AsyncIterable<Picture>)
		times.push(Number(frame.timecodeNs / 1_000_000n));
	return times;
}

const ENDS = {
	'leaving the loop': (stage: PictureDecoder) => stage.destroy(),
	'an error': (stage: PictureDecoder) => stage.destroy(new Error('enough')),
} as const;

for (const [what, end] of Object.entries(ENDS)) {
	withFfmpeg(`${what} ends every ffmpeg that was started`, async (t) => {
		const program = await programOf(t, 'exec ffmpeg "$@"');
		const decoding = await decode(program.decoder);
		decoding.stage.on('error', () => {});
		const pictures = (decoding.stage as AsyncIterable<Picture>)[Symbol.asyncIterator]();
		for (let taken = 0; taken < 40; taken++) t.false((await pictures.next()).done);
		let started = 0;
		await until(
			async () => {
				started = (await program.pids()).length;
				return started === DECODERS;
			},
			() => `${started} were started`,
		);
		end(decoding.stage);
		await isOver(t, decoding, program);
	});
}

withFfmpeg(
	'where one ffmpeg of several is killed, its frames are reported, and all others come',
	async (t) => {
		// Some of what it gets is decoded before.
		const program = await programOf(
			t,
			`[ $nth = 1 ] || exec ffmpeg "$@"; head -c 10000 | ffmpeg "$@"; kill -9 $$`,
		);
		const decoding = await decode(program.decoder);
		const times = await timesOf(decoding);
		const failed = decoding.failures.map(({ frame }) => Number(frame.timecodeNs / 1_000_000n));
		t.true(failed.length > 0);
		t.is(times.length + failed.length, FRAME_COUNT);
		t.deepEqual(
			times,
			times.toSorted((a, b) => a - b),
		);
		t.true(times.length >= GROUP, `${times.length} pictures`);
		await isOver(t, decoding, program);
	},
);

withFfmpeg(
	'where one ffmpeg of several writes noise, the pictures before come, and then its error',
	async (t) => {
		const program = await programOf(t, `[ $nth = 1 ] || exec ffmpeg "$@"; head -c 300000 /dev/urandom`);
		const decoding = await decode(program.decoder);
		const times: number[] = [];
		await t.throwsAsync(
			async () => {
				for await (const { frame } of decoding.stage as AsyncIterable<Picture>)
					times.push(Number(frame.timecodeNs / 1_000_000n));
			},
			{ code: 'KVS_FFMPEG_FAILED' },
		);
		t.true(times.length >= GROUP, `${times.length} pictures`);
		t.is(times.length % GROUP, 0, 'whole groups');
		await isOver(t, decoding, program);
	},
);
