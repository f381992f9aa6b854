import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ExportPicturesOptions, ExportPicturesSummary, KvsArchive } from 'kvs-archive';
import { DirectoryFolder } from '#lib/files/directory-folder.js';
import { startMs } from '../helpers/media/range.js';
import { withFfmpeg } from '../helpers/needs.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { all, digestOf, filmArchive, filmOf } from './dataset-archive.js';
import { Stopped, StoppingFolder } from './stopping-folder.js';

/** Exports again and again, each time stopped after some steps, until it is through. */
async function exportWithStops(
	t: ExecutionContext,
	archive: KvsArchive,
	path: string,
	options: ExportPicturesOptions,
	stops: readonly number[],
): Promise<{ readonly summary: ExportPicturesSummary; readonly stopped: number }> {
	for (const [stopped, steps] of stops.entries()) {
		try {
			const summary = await archive.exportPictures(all, new StoppingFolder(path, steps), options);
			return { summary, stopped };
		} catch (error) {
			t.true(error instanceof Stopped, String(error));
		}
	}
	return { summary: await archive.exportPictures(all, path, options), stopped: stops.length };
}

const STOPS = [1, 530, 3, 20];
const SHARD_STOPS = [2, 6, 3, 7, 9];

for (const [options, seconds, stops] of [
	[{ layout: 'files' }, 9, STOPS],
	[{ layout: 'imagefolder' }, 9, STOPS],
	[{ layout: 'webdataset', shardSizeBytes: 15_000, select: { everyNth: 7 } }, 9, SHARD_STOPS],
	[{ layout: 'webdataset', shardSizeBytes: 15_000, select: { everyMs: 270 } }, 9, SHARD_STOPS],
	[{ layout: 'webdataset', shardSizeBytes: 1000, select: { everyMs: 2500 } }, 9, SHARD_STOPS],
	[{ layout: 'webdataset', shardSizeBytes: 7500, select: 'keyframes' }, 9, SHARD_STOPS],
	[{ layout: 'webdataset', shardSizeBytes: 7500, select: { count: 22 } }, 9, SHARD_STOPS],
] as const) {
	withFfmpeg(
		`an export with ${JSON.stringify(options)} that is stopped repeatedly ends as an undisturbed one`,
		async (t) => {
			const { archive } = await filmArchive(t, seconds);
			const directory = await temporaryDirectory(t);
			const whole = await archive.exportPictures(all, join(directory, 'whole'), options);
			const { summary, stopped } = await exportWithStops(
				t,
				archive,
				join(directory, 'stopped'),
				options,
				stops,
			);
			t.true(stopped > 2 && summary.resumed > 0, `stopped ${stopped} times, ${summary.resumed} resumed`);
			t.deepEqual(await digestOf(join(directory, 'stopped')), await digestOf(join(directory, 'whole')));
			const { pictures, fragments, frames, bytes, pictureFailures } = whole;
			t.like(summary, { pictures, fragments, frames, bytes, pictureFailures });
		},
	);
}

withFfmpeg('a finished folder is verified by the same call, and refused to any other', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const folder = join(await temporaryDirectory(t), 'shards');
	const options = { layout: 'webdataset', select: 'keyframes' } as const;
	const first = await archive.exportPictures(all, folder, options);
	const digest = await digestOf(folder);
	const again = await archive.exportPictures(all, folder, { ...options, maxBufferedBytes: 1e6 });
	const { calls: _, elapsedMs: __, ...counted } = first;
	t.like(again, { ...counted, resumed: 6, verified: true });
	const other = { ...options, format: 'png' } as const;
	const message = `cannot write to \`${folder}\`: it has the pictures of another request; name another folder, or remove this one`;
	await t.throwsAsync(archive.exportPictures(all, folder, other), { code: 'KVS_SINK_FAILED', message });
	t.deepEqual(await digestOf(folder), digest);
	await copyFile(join(folder, 'manifest.jsonl'), join(folder, 'door-000000.tar'));
	await t.throwsAsync(archive.exportPictures(all, folder, options), {
		code: 'KVS_EXPORT_DAMAGED',
		message: /`door-000000\.tar`: it has \d+ bytes, not \d+; name another folder, or remove this one$/,
	});
});

withFfmpeg('an unfinished folder is refused to another request, and to a second process', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const path = join(await temporaryDirectory(t), 'pictures');
	await t.throwsAsync(archive.exportPictures(all, new StoppingFolder(path, 9), {}), { instanceOf: Stopped });
	await t.throwsAsync(archive.exportPictures(all, path, { format: 'png' }), {
		code: 'KVS_SINK_FAILED',
		message: /has the unfinished pictures of another request/,
	});
	const lock = await new DirectoryFolder(path).lock();
	await t.throwsAsync(archive.exportPictures(all, path, {}), {
		code: 'KVS_SINK_FAILED',
		message: /^cannot write to `.*`: process \d+ is writing to it/,
	});
	await lock.release();
	t.like(await archive.exportPictures(all, path, {}), { pictures: 90 });
	t.deepEqual(
		(await readdir(path)).filter((name) => name.startsWith('.')),
		[],
	);
});

withFfmpeg('pictures selected by a function are written anew, without those selected before', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const path = join(await temporaryDirectory(t), 'pictures');
	let kept = 5;
	const where = () => kept-- > 0;
	await t.throwsAsync(archive.exportPictures(all, new StoppingFolder(path, 100), { where }), {
		instanceOf: Stopped,
	});
	t.true((await readdir(path)).length > 15);
	kept = 1;
	t.like(await archive.exportPictures(all, path, { where }), { pictures: 15, skipped: 5, resumed: 0 });
	t.is((await readdir(path)).length, 17);
	await t.throwsAsync(archive.exportPictures(all, path, { where }), { code: 'KVS_SINK_FAILED' });
});

withFfmpeg(
	'a resumed export does not repeat requests, except for the last closed group of pictures',
	async (t) => {
		const { archive, requests } = await filmArchive(t, 18);
		const path = join(await temporaryDirectory(t), 'shards');
		const options = { layout: 'webdataset', shardSizeBytes: 30_000, select: { everyMs: 270 } } as const;
		const asked = (): number => requests.reduce((sum, { fragmentsAsked }) => sum + fragmentsAsked, 0);
		await t.throwsAsync(archive.exportPictures(all, new StoppingFolder(path, 36), options), {
			instanceOf: Stopped,
		});
		const before = asked();
		const { resumed, pictures, fragments, delivered } = await archive.exportPictures(all, path, options);
		t.true(resumed > 30, `${resumed} of ${pictures} resumed`);
		t.deepEqual([fragments, delivered], [36, 36]);
		const needed = Math.ceil(((pictures - resumed) * 270) / 500) + 1;
		t.true(asked() - before <= needed, `${asked() - before} fragments requested, ${needed} needed`);
	},
);

withFfmpeg(
	'fragments that come late begin an unfinished folder anew, and a finished one is left',
	async (t) => {
		const { archive, server } = await filmArchive(t, 3);
		const directory = await temporaryDirectory(t);
		const path = join(directory, 'stopped');
		const options = { layout: 'webdataset', shardSizeBytes: 30_000 } as const;
		await t.throwsAsync(archive.exportPictures(all, new StoppingFolder(path, 16), options), {
			instanceOf: Stopped,
		});
		await server.archive.ingest('door', await filmOf(2), { start: new Date(startMs - 30_000) });
		const summary = await archive.exportPictures(all, path, options);
		t.like(summary, { pictures: 150, fragments: 10, resumed: 0 });
		await archive.exportPictures(all, join(directory, 'whole'), options);
		const digest = await digestOf(path);
		t.deepEqual(digest, await digestOf(join(directory, 'whole')));
		await server.archive.ingest('door', await filmOf(1), { start: new Date(startMs - 50_000) });
		await t.throwsAsync(archive.exportPictures(all, path, options), {
			code: 'KVS_LATE_FRAGMENT',
			message:
				/is finished, and fragment \d+ was added to the archive since; name another folder, or remove this one$/,
		});
		t.deepEqual(await digestOf(path), digest);
	},
);

withFfmpeg('resumes before progress that is damaged, or whose shard is missing', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const directory = await temporaryDirectory(t);
	const options = { layout: 'webdataset', shardSizeBytes: 60_000 } as const;
	await archive.exportPictures(all, join(directory, 'whole'), options);
	const whole = await digestOf(join(directory, 'whole'));
	const path = join(directory, 'stopped');
	await t.throwsAsync(archive.exportPictures(all, new StoppingFolder(path, 16), options), {
		instanceOf: Stopped,
	});
	const section = join(path, '.pictures-000002.section');
	await writeFile(section, (await readFile(section, 'utf8')).replace('"pictures":', '"pictures":1'));
	await rm(join(path, 'door-000001.tar'));
	const summary = await archive.exportPictures(all, path, options);
	t.true(summary.resumed > 0 && summary.resumed < 30, `${summary.resumed} resumed`);
	t.deepEqual(await digestOf(path), whole);
	await mkdir(join(directory, 'broken'));
	await writeFile(join(directory, 'broken', '.pictures.request'), '{"format":');
	await t.throwsAsync(archive.exportPictures(all, join(directory, 'broken'), options), {
		code: 'KVS_SINK_FAILED',
		message: /`\.pictures\.request` in it is damaged; remove the folder to start over$/,
	});
});

withFfmpeg('a range without pictures leaves nothing', async (t) => {
	const { archive } = await filmArchive(t, 3);
	const directory = await temporaryDirectory(t);
	const range = { from: new Date(0), to: new Date(1000) };
	await t.throwsAsync(archive.exportPictures(range, join(directory, 'deep', 'none')), {
		code: 'KVS_EMPTY_RANGE',
	});
	t.deepEqual(await readdir(directory), []);
});
