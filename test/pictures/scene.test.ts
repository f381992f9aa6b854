import { createHash } from 'node:crypto';
import test from 'ava';
import { type DecodeFailure, ffmpeg, PictureDecoder } from 'kvs-archive';
import { CountingDecoder } from '../helpers/media/counting-decoder.js';
import { between, startMs } from '../helpers/media/range.js';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { run } from '../helpers/tools.js';

const codecs = {
	'H.264 with B-frames': '-c:v libx264 -preset ultrafast -bf 2 -g 12 -x264-params scenecut=0',
	'H.265': '-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=20:scenecut=0',
	VP9: '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30',
} as const;

/** Five views of 0.7 s each, and key frames elsewhere than these change. */
function film(codec: string): Promise<string> {
	const views = ['testsrc2', 'smptebars', 'mandelbrot', 'testsrc2', 'rgbtestsrc'];
	const inputs = views.flatMap((view) => ['-f', 'lavfi', '-t', '0.7', '-i', `${view}=s=160x120:r=20`]);
	const same = views.map((_, index) => `[${index}]format=yuv420p,setsar=1[v${index}]`).join(';');
	const joined = `${same};${views.map((_, index) => `[v${index}]`).join('')}concat=n=${views.length}`;
	return makeRecording([...inputs, '-filter_complex', joined, ...codec.split(' ')]);
}

/** Times in milliseconds and hashes of the pictures that ffmpeg alone chooses. */
async function chosenByFfmpeg(file: string, scene: number): Promise<string[]> {
	const filter = ['-vf', `select='gt(scene,${scene})'`, '-vsync', 'passthrough'];
	const form = ['-pix_fmt', 'rgb24', '-c:v', 'rawvideo', '-enc_time_base', '1/1000', '-f', 'framemd5', '-'];
	const { stdout } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, ...filter, ...form]);
	return stdout.split('\n').flatMap((line) => {
		const fields = line.split(',').map((field) => field.trim());
		return /^\d/.test(line) ? [`${fields[2]} ${fields[5]}`] : [];
	});
}

for (const [name, codec] of Object.entries(codecs)) {
	withFfmpeg(
		`${name}: a scene selection has exactly the pictures that ffmpeg alone chooses, and no failures`,
		async (t) => {
			const file = await film(codec);
			const { endpoint } = await startArchive(t, { door: file });
			const archive = openArchive(t, endpoint);
			const counts: number[] = [];
			for (const scene of [0.3, 0.02, 1]) {
				const failures: DecodeFailure[] = [];
				const stream = archive.pictures(between(0, 60_000), {
					select: { scene },
					format: 'rgb24',
					decoders: 4,
					onFailure: (failure) => failures.push(failure),
				});
				const chosen: string[] = [];
				for await (const { data, timestampMs } of stream) {
					chosen.push(`${(timestampMs as number) - startMs} ${createHash('md5').update(data).digest('hex')}`);
				}
				t.deepEqual(chosen, await chosenByFfmpeg(file, scene), `${scene}`);
				t.deepEqual(failures, []);
				counts.push(chosen.length);
			}
			t.is(counts[0], 4);
			t.true((counts[1] as number) > 4);
			t.is(counts[2], 0);
		},
	);
}

withFfmpeg(
	'at a change of codec, scene selection starts anew: each part has the pictures that ffmpeg alone chooses',
	async (t) => {
		const parts = [await film(codecs['H.264 with B-frames']), await film(codecs['H.265'])];
		const { endpoint, server } = await startArchive(t, { door: parts[0] as string });
		await server.archive.ingest('door', parts[1] as string, { start: new Date(startMs + 10_000) });
		const failures: DecodeFailure[] = [];
		const chosen: string[] = [];
		for await (const { data, timestampMs } of openArchive(t, endpoint).pictures(between(0, 60_000), {
			select: { scene: 0.02 },
			format: 'rgb24',
			onFailure: (failure) => failures.push(failure),
		})) {
			const hash = createHash('md5').update(data).digest('hex');
			chosen.push(`${((timestampMs as number) - startMs) % 10_000} ${hash}`);
		}
		const expected = await Promise.all(parts.map((part) => chosenByFfmpeg(part, 0.02)));
		t.deepEqual(chosen, expected.flat());
		t.deepEqual(failures, []);
	},
);

test('an invalid selection, and a decoder without scene detection, are refused at once', (t) => {
	for (const scene of [-0.1, 1.1, Number.NaN, '0.3' as unknown as number]) {
		t.throws(() => new PictureDecoder({ select: { scene } }), {
			code: 'KVS_INVALID_OPTION',
			message: /`select`/,
		});
	}
	for (const [select, shown] of [
		[{ count: 0 }, '{ count: 0 }'],
		[{ everyNth: 2, count: 3 }, '{ everyNth: 2, count: 3 }'],
		[{ at: [] }, '{ at: [] }'],
	] as const) {
		const error = t.throws(() => new PictureDecoder({ select: select as never }), {
			code: 'KVS_INVALID_OPTION',
		});
		t.true(error.message.endsWith(`, got \`${shown}\``), error.message);
	}
	const decoder = new CountingDecoder();
	t.throws(() => new PictureDecoder({ select: { scene: 0.3 }, decoder }), {
		message: /`decoder`.*choosesScenes/,
	});
	t.notThrows(() => new PictureDecoder({ select: { scene: 0.3 }, decoder: ffmpeg() }));
});
