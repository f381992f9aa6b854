import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { batchPictures, type Picture } from 'kvs-archive';
import { between, startMs } from '../helpers/media/range.js';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

const film = (size: string): Promise<string> =>
	makeRecording(`-f lavfi -i testsrc2=s=${size}:r=10:d=2 -c:v libx264 -g 5 -pix_fmt yuv420p`.split(' '));

const all = between(0, 600_000);

withFfmpeg(
	'batches hold the samples of all pictures in order, with their times; the last one what is left',
	async (t) => {
		const file = await film('66x50');
		const { endpoint } = await startArchive(t, { door: file });
		const archive = openArchive(t, endpoint);
		for (const [format, channels] of [
			['rgb24', 3],
			['gray', 1],
		] as const) {
			const parts: Uint8Array[] = [];
			const buffers = new Set<ArrayBufferLike>();
			const times: (number | null)[] = [];
			const shapes: (readonly number[])[] = [];
			for await (const batch of batchPictures(archive.pictures(all, { format }), { size: 8 })) {
				parts.push(batch.data);
				buffers.add(batch.data.buffer);
				times.push(...batch.times);
				shapes.push(batch.shape);
				t.deepEqual(
					batch.pictures.map(({ timestampMs }) => timestampMs),
					batch.times,
				);
				t.like(batch.pictures[0], {
					track: 1,
					keyframe: batch.times[0] !== startMs + 800 && batch.times[0] !== startMs + 1600,
				});
				t.is(
					batch.data.byteLength,
					batch.shape.reduce((product, side) => product * side),
				);
			}
			t.deepEqual(
				shapes,
				[8, 8, 4].map((count) => [count, 50, 66, channels]),
			);
			t.is(buffers.size, 3);
			t.deepEqual(
				times,
				Array.from({ length: 20 }, (_, index) => startMs + index * 100),
			);
			const args = ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', format, '-'];
			const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer', maxBuffer: 1e8 });
			t.true(Buffer.concat(parts).equals(stdout));
		}
	},
);

withFfmpeg(
	'pictures that cannot be batched are refused, and leaving the loop ends the stream of pictures',
	async (t) => {
		const { endpoint, server } = await startArchive(t, { door: await film('66x50') });
		await server.archive.ingest('door', await film('32x24'), { start: new Date(startMs + 10_000) });
		const archive = openArchive(t, endpoint);
		const read = async (pictures: AsyncIterable<Picture>, size = 50): Promise<number[]> => {
			const counts: number[] = [];
			for await (const { shape } of batchPictures(pictures, { size })) counts.push(shape[0]);
			return counts;
		};
		await t.throwsAsync(read(archive.pictures(all, { format: 'jpg' })), {
			code: 'KVS_INVALID_OPTION',
			message: /`format` to be `rgb24`, `bgr24` or `gray` for batches, .*got .jpg./,
		});
		await t.throwsAsync(read(archive.pictures(all, { format: 'gray' })), {
			code: 'KVS_INVALID_OPTION',
			message:
				/`size` to be set in the options of `pictures`: cannot batch a picture of 32x24 at 2026-01-31T00:00:10\.000Z, as the first has 66x50$/,
		});
		const size = { width: 16, height: 12 };
		t.deepEqual(await read(archive.pictures(all, { format: 'nv12', size })), [40]);
		const left = archive.pictures(all, { format: 'gray', size });
		for await (const { shape } of batchPictures(left, { size: 5 })) {
			t.deepEqual(shape, [5, 12, 16, 1]);
			break;
		}
		t.true(left.destroyed);
		await left.summary;
	},
);

test('a size that is not valid is refused at once', (t) => {
	for (const size of [0, 1.5, Number.NaN]) {
		t.throws(() => batchPictures([] as never, { size }), { code: 'KVS_INVALID_OPTION' });
	}
});
