import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import type { Frame, MediaEvent, Picture } from 'kvs-archive';
import { MkvReader } from '#lib/demux/mkv-reader.js';
import { PictureDecoder } from '#lib/pictures/picture-decoder.js';
import type { DecodeFailure } from '#lib/pictures/track-decoder.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

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

/** Numerical Recipes' linear congruential generator: the same numbers every time. */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state >>> 16;
	};
}

async function film(t: ExecutionContext, codec: readonly string[]): Promise<Buffer> {
	const file = join(await temporaryDirectory(t), 'film.mkv');
	const source = 'testsrc2=s=320x240:r=30:d=1.5';
	const args = [
		'-nostdin',
		'-v',
		'error',
		'-y',
		'-f',
		'lavfi',
		'-i',
		source,
		'-pix_fmt',
		'yuv420p',
		...codec,
	];
	const { code, stderr } = await run('ffmpeg', [...args, file]);
	t.is(code, 0, stderr);
	return readFile(file);
}

/** By frame, in decoding order: where its bytes are in the file. */
async function framesOf(bytes: Buffer): Promise<{ time: bigint; start: number; end: number }[]> {
	const frames: { time: bigint; start: number; end: number }[] = [];
	const events = Readable.from([bytes]).compose(new MkvReader()) as AsyncIterable<MediaEvent>;
	for await (const event of events) {
		if (event.type !== 'frame') continue;
		const start = bytes.indexOf(event.data, frames.at(-1)?.end ?? 0);
		frames.push({ time: event.timecodeNs, start, end: start + event.data.length });
	}
	return frames;
}

interface Decoded {
	readonly pictures: ReadonlyMap<bigint, string>;
	readonly failures: readonly DecodeFailure[];
}

async function decode(bytes: Uint8Array): Promise<Decoded> {
	const failures: DecodeFailure[] = [];
	const decoder = new PictureDecoder({ format: 'nv12', onFailure: (failure) => failures.push(failure) });
	pipeline(Readable.from([bytes]), new MkvReader(), decoder, () => {});
	const pictures = new Map<bigint, string>();
	for await (const { frame, data } of decoder as AsyncIterable<Picture>) {
		pictures.set(frame.timecodeNs, createHash('md5').update(data).digest('hex'));
	}
	return { pictures, failures };
}

/** What ffmpeg by itself says of a file. */
async function complaintsOf(t: ExecutionContext, bytes: Uint8Array): Promise<string> {
	const file = join(await temporaryDirectory(t), 'damaged.mkv');
	await writeFile(file, bytes);
	const args = ['-nostdin', '-nostats', '-threads', '1', '-v', 'repeat+level+info', '-i', file];
	const { stderr } = await run('ffmpeg', [...args, '-f', 'null', '-']);
	return stderr
		.split('\n')
		.filter((line) => /\[error\]|concealing|corrupt decoded frame|Error parsing NAL/.test(line))
		.join('\n');
}

for (const [name, codec] of Object.entries(CODECS)) {
	withFfmpeg(
		`${name}: a picture that the decoder complained of is reported, and not handed out`,
		async (t) => {
			const bytes = await film(t, codec);
			const clean = await decode(bytes);
			t.is(clean.pictures.size, 45);
			t.deepEqual(clean.failures, []);
			const frames = await framesOf(bytes);
			t.is(frames.length, 45);
			let undetectedCount = 0;
			let handedOutCount = 0;
			let reportedCount = 0;
			const random = randomFrom(7);
			for (const [kind, damage] of Object.entries(DAMAGES)) {
				// One of each sort: a key frame, frames others refer to, frames none refers to.
				for (const nth of [0, 16, 18, 33]) {
					const { start, end } = frames[nth] as (typeof frames)[number];
					const damaged = Buffer.from(bytes);
					const at = start + Math.floor((end - start) * (0.4 + (random() % 40) / 100));
					damage(damaged.subarray(at, Math.min(end, at + 24)), random);
					const { pictures, failures } = await decode(damaged);
					const label = `${kind} in frame ${nth}`;
					t.is(pictures.size + failures.length, 45, `${label}: every frame is accounted for`);
					const wrong = [...pictures].filter(([time, hash]) => clean.pictures.get(time) !== hash);
					handedOutCount += pictures.size;
					reportedCount += failures.length;
					const group = (time: bigint): number => Math.floor((Number(time / 1_000_000n) + 1) / 500);
					const own = group((frames[nth] as (typeof frames)[number]).time);
					for (const { frame } of failures)
						t.is(group(frame.timecodeNs), own, `${label}: none of another group`);
					for (const [time] of wrong) t.is(group(time), own, `${label}: none of another group is wrong`);
					if (wrong.length === 0) continue;
					undetectedCount += wrong.length;
					t.is(await complaintsOf(t, damaged), '', `${label}: ${wrong.length} wrong pictures handed out`);
				}
			}
			t.log(
				`${handedOutCount} handed out, ${reportedCount} reported, ${undetectedCount} wrong unseen by ffmpeg`,
			);
			// Where the hash itself was hit, there is none to compare.
			if (name === 'H.265 with hashes') t.true(undetectedCount <= 1);
			// ffmpeg's VP8 says nothing of any of these.
			if (name !== 'VP8') t.true(reportedCount > 0);
		},
	);
}

withFfmpeg(
	'the frames before a damaged one in decoding order are handed out, and the next group',
	async (t) => {
		const bytes = await film(t, CODECS['H.264 with CAVLC']);
		const frames = await framesOf(bytes);
		const nth = 24;
		const { start, end } = frames[nth] as (typeof frames)[number];
		const damaged = Buffer.from(bytes);
		// Within the lengths of its NAL units, which end the file's frame.
		damaged.fill(0, start + Math.floor((end - start) / 2), end);
		const { pictures, failures } = await decode(damaged);
		const bad = new Set(failures.map(({ frame }) => frame.timecodeNs));
		t.true(bad.has((frames[nth] as (typeof frames)[number]).time));
		for (const [at, { time }] of frames.entries())
			if (at < nth || at >= 30) t.true(pictures.has(time), `${at}`);
		for (const { message } of failures) t.regex(message, /\S/);
	},
);

withFfmpeg('lengths that do not add up are reported without a decoder', async (t) => {
	const bytes = await film(t, CODECS['H.264 with CABAC']);
	const frames = await framesOf(bytes);
	const { start, time } = frames[44] as (typeof frames)[number];
	const damaged = Buffer.from(bytes);
	damaged.writeUInt32BE(0x00ff_ffff, start);
	const { failures } = await decode(damaged);
	t.deepEqual(
		failures.map(({ frame, message }: { frame: Frame; message: string }) => [frame.timecodeNs, message]),
		[[time, 'its NAL units do not add up to its size']],
	);
});
