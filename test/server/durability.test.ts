import { spawn } from 'node:child_process';
import { appendFile, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { LocalArchive } from '#lib/server/local-archive.js';
import { everything, type Json, startServer } from '../helpers/service/start-server.js';
import { temporaryDirectory } from '../helpers/tools.js';
import { type MadeBlock, matroska } from './made-media.js';

const FRAGMENTS = 40;

/** Large enough that fragments are on the disk before the last one is cut. */
async function writeFilm(directory: string): Promise<string> {
	const data = Buffer.alloc(100_000, 7);
	const blocks = Array.from(
		{ length: FRAGMENTS },
		(_, index): MadeBlock => ({ track: 1, ticks: index * 1000, data }),
	);
	const path = join(directory, 'film.mkv');
	await writeFile(path, matroska(blocks, { tracks: [1] }));
	return path;
}

async function tree(directory: string): Promise<string[]> {
	const entries = await readdir(directory, { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.includes('set-aside'));
	return files.map(({ name }) => name);
}

async function ingestAndDie(
	t: ExecutionContext,
	data: string,
	file: string,
	moment: string,
	count: number,
): Promise<void> {
	const script = fileURLToPath(new URL('killed-ingest.js', import.meta.url));
	const child = spawn(process.execPath, [script, data, file, moment, `${count}`], { stdio: 'inherit' });
	const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
	t.is(signal, 'SIGKILL');
}

async function listed(t: ExecutionContext, dataDirectory: string): Promise<Json[]> {
	const { call, close } = await startServer(t, { dataDirectory, onWarning: () => {} });
	const { json } = await call('ListFragments', { StreamName: 'door', FragmentSelector: everything });
	await close();
	return json.Fragments ?? [];
}

const moments: [string, number][] = [
	['fragment', 1],
	['fragment', 3],
	['fragment', FRAGMENTS],
	['rename', 1],
	['rename', 2],
	['rename', 3],
	['rename', 4],
];

for (const [moment, count] of moments) {
	test(`a kill at ${moment} ${count} leaves the whole file or nothing, and the next ingest completes it`, async (t) => {
		const directory = await temporaryDirectory(t);
		const data = join(directory, 'data');
		const file = await writeFilm(directory);
		await ingestAndDie(t, data, file, moment, count);

		const isWhole = moment === 'rename' && count === 4;
		t.is((await listed(t, data)).length, isWhole ? FRAGMENTS : 0);
		const names = await tree(data);
		t.false(names.includes('in-use-by'));
		t.false(
			names.some((name) => /^(payload|index|converted)\./.test(name)),
			names.join(),
		);
		t.is(names.filter((name) => name.endsWith('.mkv')).length, isWhole ? 1 : 0);
		// Killed between the payload and its index: the payload is kept apart.
		const isSetAside = moment === 'rename' && count === 3;
		const aside = await readdir(join(data, 'set-aside', 'door')).catch(() => []);
		t.is(aside.length, isSetAside ? 1 : 0);

		const { server, close } = await startServer(t, { dataDirectory: data, onWarning: () => {} });
		const summary = await server.archive.ingest('door', file, { start: new Date(1_600_000_000_000) });
		t.like(summary, {
			fragments: FRAGMENTS,
			alreadyPresent: isWhole,
			addedFragments: isWhole ? 0 : FRAGMENTS,
		});
		t.true((await server.archive.ingest('door', file)).alreadyPresent);
		await close();
		t.is((await listed(t, data)).length, FRAGMENTS);
		t.is((await tree(data)).length, 3);
	});
}

test('an archive keeps its fragments over a restart, in files that only the owner can read', async (t) => {
	const directory = await temporaryDirectory(t);
	const data = join(directory, 'data');
	const file = await writeFilm(directory);
	const first = await startServer(t, { dataDirectory: data });
	const summary = await first.server.archive.ingest('door', file);
	const before = (await first.call('DescribeStream', { StreamName: 'door' })).json;
	await first.close();
	const fragments = await listed(t, data);
	t.is(fragments.length, FRAGMENTS);

	const second = await startServer(t, { dataDirectory: data });
	t.deepEqual((await second.call('DescribeStream', { StreamName: 'door' })).json, before);
	const again = await second.server.archive.ingest('door', file);
	t.deepEqual(again, { ...summary, alreadyPresent: true, addedFragments: 0 });
	const streams = join(data, 'streams', 'door');
	t.is((await stat(streams)).mode & 0o777, 0o700);
	for (const name of await readdir(streams))
		t.is((await stat(join(streams, name))).mode & 0o777, 0o600, name);
	const payload = (await readdir(streams)).find((name) => name.endsWith('.mkv')) as string;
	t.is((await stat(join(streams, payload))).size, summary.bytes);
});

test('a data directory is used by one process at a time, and a stale lock file is ignored', async (t) => {
	const data = join(await temporaryDirectory(t), 'data');
	const first = await startServer(t, { dataDirectory: data });
	await first.server.archive.ready;
	const second = await startServer(t, { dataDirectory: data });
	const message = new RegExp(`in use by process ${process.pid}: stop that, or use another directory$`);
	await t.throwsAsync(second.server.archive.ready, { code: 'KVS_DATA_IN_USE', message });
	await second.close();
	t.is((await first.call('ListStreams', {})).status, 200);
	await first.close();
	const lock = join(data, 'in-use-by');
	for (const mark of ['', 'rubbish']) {
		await writeFile(lock, mark);
		const fresh = await startServer(t, { dataDirectory: data });
		await t.throwsAsync(fresh.server.archive.ready, {
			code: 'KVS_DATA_IN_USE',
			message: /in use by another process: /,
		});
		await fresh.close();
		await utimes(lock, new Date(0), new Date(0));
		const next = await startServer(t, { dataDirectory: data });
		await t.notThrowsAsync(next.server.archive.ready, mark);
		await next.close();
	}
});

test('createStream waits until the directory is open, and is refused after close', async (t) => {
	const archive = new LocalArchive({ dataDirectory: join(await temporaryDirectory(t), 'data') });
	const made = await Promise.allSettled(['cam', 'cam'].map((name) => archive.createStream({ name })));
	t.deepEqual(
		made.map(({ status }) => status),
		['fulfilled', 'rejected'],
	);
	t.is(archive.stream('cam')?.metadata.name, 'cam');
	archive.close();
	await t.throwsAsync(archive.createStream({ name: 'gate' }), { code: 'KVS_CLOSED' });
});

test('damage is reported in one line that names the file', async (t) => {
	const directory = await temporaryDirectory(t);
	const data = join(directory, 'data');
	const file = await writeFilm(directory);
	const first = await startServer(t, { dataDirectory: data });
	await first.server.archive.ingest('door', file);
	await first.close();
	const stream = join(data, 'streams', 'door');
	const path = async (ending: string) =>
		join(stream, (await readdir(stream)).find((name) => name.endsWith(ending)) as string);
	const index = await path('.jsonl');
	const payload = await path('.mkv');
	const good = { index: await readFile(index), payload: await readFile(payload) };

	const damages: [string, string, () => Promise<void>][] = [
		['a shorter payload', payload, () => truncate(payload, 1000)],
		['a longer payload', payload, () => appendFile(payload, 'x')],
		[
			'an index with a line missing',
			index,
			() => writeFile(index, good.index.subarray(good.index.indexOf('\n') + 1)),
		],
		['an index of other text', index, () => writeFile(index, 'hello\n')],
		['an index line without a number', index, () => writeFile(index, '{"offset":0}\n')],
		['no payload', payload, () => rm(payload)],
		['no metadata', join(stream, 'stream.json'), () => writeFile(join(stream, 'stream.json'), '{}')],
	];
	for (const [what, name, damage] of damages) {
		await writeFile(index, good.index);
		await writeFile(payload, good.payload);
		await damage();
		const { server, call, close } = await startServer(t, { dataDirectory: data });
		const error = await t.throwsAsync(server.archive.ready, { code: 'KVS_DATA_DAMAGED' }, what);
		t.true(error?.message.includes(name) && !error.message.includes('\n'), error?.message);
		const response = await call('DescribeStream', { StreamName: 'door' });
		t.like(response.json, { __type: 'InternalFailure', message: error?.message });
		t.is(response.status, 500);
		await t.throwsAsync(server.archive.ingest('door', file), { code: 'KVS_DATA_DAMAGED' });
		await close();
	}
});

test('a temporary archive removes all its files, even where an ingest is cut short', async (t) => {
	const directory = await temporaryDirectory(t);
	const file = await writeFilm(directory);
	const seen: string[] = [];
	const { server, close } = await startServer(t, {
		randomInt: () => {
			seen.push('fragment');
			if (seen.length === 3) server.close();
			return 1;
		},
	});
	await t.throwsAsync(server.archive.ingest('door', file), { code: 'KVS_CLOSED' });
	await close();
	t.is(seen.length < FRAGMENTS, true);

	const data = join(directory, 'data');
	const kept = await startServer(t, { dataDirectory: data });
	await kept.server.archive.ready;
	const reason = new Error('enough');
	await t.throwsAsync(kept.server.archive.ingest('door', file, { signal: AbortSignal.abort(reason) }), {
		is: reason,
	});
	t.deepEqual(await tree(data), ['in-use-by']);
});
