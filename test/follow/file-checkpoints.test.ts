import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileCheckpoints, type FollowEvent, KvsArchive } from 'kvs-archive';
import { startGrowing } from '../helpers/service/growing-stream.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { checkpointAt, KEY } from '../helpers/store/leases.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

/** Saves a small checkpoint and then one of 130 KB, and prints what came of that and what is loaded then. */
const PROGRAM = `
	import { spawnSync } from 'node:child_process';
	import { FileCheckpoints } from 'kvs-archive';
	const [, path, before] = process.argv;
	const fail = ({ code, message }) => console.log(code, message);
	const store = new FileCheckpoints(path);
	await store.load('${KEY}').catch(fail);
	await store.save('${KEY}', ${JSON.stringify(checkpointAt(1))}).catch(fail);
	const done = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [String(10n ** 46n + BigInt(index)), 1e12]));
	if (before) spawnSync('sh', ['-c', before]);
	await store.save('${KEY}', { version: 1, key: '${KEY}', fromMs: 2, done }).catch(fail);
	await store.close().catch(fail);
	const again = new FileCheckpoints(path);
	await again.load('${KEY}').then((checkpoint) => console.log(JSON.stringify(checkpoint)), fail);
	await again.close();`;

/** Runs it under a shell command that prepares the disk of the file and ends in \`exec "$@"\`; what it printed, in lines. */
async function saveAfter(
	t: ExecutionContext,
	command: readonly string[],
	path: string,
	before = '',
): Promise<string[]> {
	const [program = '', ...args] = command;
	const node = [process.execPath, '--input-type=module', '-e', PROGRAM, path, before];
	const { code, stdout, stderr } = await run(program, [...args, 'sh', ...node]);
	t.is(code, 0, stderr);
	return stdout.trimEnd().split('\n');
}

test('a limit of the size of files: an error that says so, and the checkpoint of before', async (t) => {
	const path = join(await temporaryDirectory(t), 'checkpoint.json');
	const [error, loaded] = await saveAfter(t, ['sh', '-c', 'ulimit -f 40 && exec "$@"'], path);
	t.is(
		error,
		`KVS_CHECKPOINT_FAILED cannot write the checkpoint \`${path}\`: it is larger than the file system allows (EFBIG)`,
	);
	t.is(loaded, JSON.stringify(checkpointAt(1)));
	t.deepEqual(await readdir(dirname(path)), ['checkpoint.json']);
});

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const testWithMounts: typeof test = (canMount ? test : test.skip) as typeof test;
const why = canMount ? '' : ' (missing: leave to mount)';

testWithMounts(`a full disk: an error that says so, and the checkpoint of before${why}`, async (t) => {
	const directory = await temporaryDirectory(t);
	const command = `mount -t tmpfs -o size=64k none ${directory} && exec "$@"`;
	const path = join(directory, 'checkpoint.json');
	const [error, loaded] = await saveAfter(t, ['unshare', '-Urm', 'sh', '-c', command], path);
	t.is(error, `KVS_CHECKPOINT_FAILED cannot write the checkpoint \`${path}\`: the disk is full (ENOSPC)`);
	t.is(loaded, JSON.stringify(checkpointAt(1)));
});

testWithMounts(
	`a disk that is read-only: an error that says so, and the checkpoint of before${why}`,
	async (t) => {
		const directory = await temporaryDirectory(t);
		const path = join(directory, 'checkpoint.json');
		const trouble = 'the file system is read-only (EROFS)';
		// A mount of its own, as another is not made read-only while a file is open.
		const lock = `mount --bind ${directory} ${directory} && mount -o remount,bind,ro ${directory}`;
		const unshare = ['unshare', '-Urm', 'sh', '-c'];
		const [error] = await saveAfter(t, [...unshare, 'exec "$@"'], path, lock);
		t.is(error, `KVS_CHECKPOINT_FAILED cannot write the checkpoint \`${path}\`: ${trouble}`);
		t.is(await readFile(path, 'utf8'), `${JSON.stringify(checkpointAt(1))}\n`);
		const [refused] = await saveAfter(t, [...unshare, `${lock} && exec "$@"`], path);
		t.is(refused, `KVS_CHECKPOINT_FAILED cannot lock the checkpoint \`${path}\`: ${trouble}`);
		t.is(await readFile(path, 'utf8'), `${JSON.stringify(checkpointAt(1))}\n`);
	},
);

test('refuses an invalid checkpoint, or that of another consumer, and leaves it unchanged', async (t) => {
	const path = join(await temporaryDirectory(t), 'checkpoint.json');
	const right = JSON.stringify(checkpointAt(1));
	for (const [text, message] of [
		['', /`.*checkpoint\.json` is damaged \(it is not JSON\): name another, or remove it to start over/],
		['\0'.repeat(100), /is damaged/],
		['null', /is damaged/],
		['[]', /is damaged/],
		[`${right.slice(0, -1)}, "more": "${'x'.repeat(4 * 1024 * 1024)}"}`, /is damaged/],
		[right.replace('"fromMs":1', '"fromMs":"1"'), /is damaged/],
		[right.replace('"done":{"1"', '"done":{"x"'), /is damaged/],
		[right.replace('"version":1', '"version":2'), /later version \(its format is 2, the latest known is 1\)/],
		[right.replace('cam/', 'door/'), /belongs to `door\/default`, and not to `cam\/default`/],
	] as const) {
		await writeFile(path, text);
		await t.throwsAsync(new FileCheckpoints(path).load(KEY), { code: 'KVS_CHECKPOINT_INVALID', message });
		t.is(await readFile(path, 'utf8'), text);
	}
	await writeFile(path, right);
	const store = new FileCheckpoints(path);
	t.deepEqual(await store.load(KEY), checkpointAt(1));
	await store.close();
	t.deepEqual(await readdir(dirname(path)), ['checkpoint.json']);
});

test('concurrent saves are written in order before the file is released, and none after', async (t) => {
	const path = join(await temporaryDirectory(t), 'checkpoint.json');
	const store = new FileCheckpoints(path);
	await store.load(KEY);
	const saves = [1, 2, 3].map((fromMs) => store.save(KEY, checkpointAt(fromMs)));
	await store.close();
	await Promise.all(saves);
	await t.throwsAsync(store.save(KEY, checkpointAt(4)), { code: 'KVS_CLOSED' });
	t.deepEqual(await store.load(KEY), checkpointAt(3));
	await store.close();
});

test('a follower ends where the checkpoint cannot be saved, and the fragment is repeated later', async (t) => {
	const { endpoint, put } = await startGrowing(t);
	await put(1, 2);
	const archive = new KvsArchive({ streamName: 'cam', endpoint, clock: new StandstillClock(Date.now()) });
	t.teardown(() => archive.close());
	const path = join(await temporaryDirectory(t), 'lost', 'checkpoint.json');
	const follow = async (onEnd: () => Promise<unknown>): Promise<void> => {
		const events = archive.follow({ from: 'earliest', checkpoint: new FileCheckpoints(path) });
		for await (const event of events as AsyncIterable<FollowEvent>) {
			if (event.type === 'fragment-end') seconds.push((event.producerTimestamp?.getTime() ?? 0) / 1000);
			if (event.type === 'fragment-end') await onEnd();
			if (event.type === 'caught-up') break;
		}
	};
	const seconds: number[] = [];
	await t.throwsAsync(
		follow(() => rm(dirname(path), { recursive: true })),
		{ code: 'KVS_CHECKPOINT_FAILED', message: /^cannot write .*: its directory does not exist \(ENOENT\)/ },
	);
	await follow(async () => {});
	t.deepEqual(seconds, [1, 1, 2]);
});
