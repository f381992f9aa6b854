import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { ImageSink, KvsArchive } from 'kvs-archive';
import { recording } from './helpers/media/payload.js';
import { startMs } from './helpers/media/range.js';
import { startArchive } from './helpers/service/archive.js';
import { temporaryDirectory } from './helpers/tools.js';

/** More than the ten listeners at which Node takes one more for a leak. */
const RUNS = 12;

const quotas = {
	callsPerSecond: 10_000,
	mediaPointsPerSecond: 1_000_000,
	metadataPointsPerSecond: 1_000_000,
	connections: 50,
};

test('many runs at once with one signal, and sinks that fail, warn of no leak', async (t) => {
	const warnings: string[] = [];
	const onWarning = ({ name, message }: Error): void => {
		if (name === 'MaxListenersExceededWarning') warnings.push(message);
	};
	process.on('warning', onWarning);
	t.teardown(() => process.off('warning', onWarning));
	const directory = await temporaryDirectory(t);
	const { endpoint } = await startArchive(t, { door: recording(2) });
	await using archive = new KvsArchive({ endpoint, streamName: 'door', quotas });
	const range = { from: startMs, to: Date.UTC(2026, 1, 1), by: 'producer' };
	const { signal } = new AbortController();
	const all = <T>(run: (index: number) => Promise<T>): Promise<T[]> =>
		Promise.all(Array.from({ length: RUNS }, (_, index) => run(index)));
	const count = async (items: AsyncIterable<unknown>): Promise<number> => {
		let number = 0;
		for await (const _ of items) number++;
		return number;
	};
	t.deepEqual(new Set(await all(() => count(archive.fragments(range, { signal })))), new Set([2]));
	t.deepEqual(new Set(await all(() => count(archive.events(range, { signal })))).size, 1);
	t.deepEqual(new Set(await all(() => count(archive.timeline(range, { signal })))).size, 1);
	await all((index) => archive.export(range, join(directory, `${index}.mkv`), { signal }));
	// Neither a decoder nor a picture is needed to meet a directory that is a file.
	const decoder = {
		open: () => ({
			isOpen: true,
			async *decode(frame: unknown) {
				yield [{ frame, picture: { width: 1, height: 1, data: new Uint8Array(3) }, problem: null }];
			},
			async *finish() {},
			async close() {},
		}),
	};
	const failed = await all(async (index) => {
		const stream = archive.pictures(range, { signal, format: 'rgb24', decoder: decoder as never });
		stream.on('close', () => {});
		const sink = index % 2 === 0 ? new ImageSink(join(directory, '0.mkv')) : failingSink();
		return pipeline(
			stream,
			async function* (pictures) {
				for await (const picture of pictures) yield picture;
			},
			sink,
		).then(
			() => null,
			(error: Error) => error,
		);
	});
	t.true(failed.every((error) => error !== null));
	// Warnings come a tick later.
	await new Promise((resolve) => setImmediate(resolve));
	t.deepEqual(warnings, []);
});

function failingSink(): Writable {
	return new Writable({
		objectMode: true,
		write: (_picture, _encoding, callback) => callback(new Error('full')),
	});
}
