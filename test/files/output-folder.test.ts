import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DirectoryFolder } from '#lib/files/directory-folder.js';
import { putFile } from '#lib/files/output-folder.js';
import { collect } from '../helpers/collect.js';
import { temporaryDirectory } from '../helpers/tools.js';

async function listed(folder: DirectoryFolder): Promise<string[]> {
	const names: string[] = [];
	for await (const name of folder.list()) names.push(name);
	return names.sort();
}

async function bytesOf(folder: DirectoryFolder, name: string): Promise<string | null> {
	const bytes = await folder.read(name);
	return bytes === null ? null : Buffer.concat(await collect(bytes)).toString();
}

test('a file is there when it is committed, whole, and in place of one of that name', async (t) => {
	const folder = new DirectoryFolder(join(await temporaryDirectory(t), 'deep', 'place'));
	t.deepEqual(await listed(folder), []);
	t.is(await folder.read('a.txt'), null);
	t.is(await folder.sizeOf('a.txt'), null);
	const lock = await folder.lock();
	const file = await folder.create('a.txt');
	await file.append([Buffer.from('one '), Buffer.from('two ')]);
	await file.append([Buffer.from('three')]);
	t.deepEqual(await listed(folder), []);
	await file.commit();
	await file.discard();
	t.deepEqual(await listed(folder), ['a.txt']);
	t.is(await bytesOf(folder, 'a.txt'), 'one two three');
	t.is(await folder.sizeOf('a.txt'), 13);
	await putFile(folder, 'a.txt', [Buffer.from('new')]);
	t.is(await bytesOf(folder, 'a.txt'), 'new');
	const lost = await folder.create('b.txt');
	await lost.append([Buffer.from('lost')]);
	await lost.discard();
	await folder.remove('a.txt');
	await folder.remove('a.txt');
	t.deepEqual(await listed(folder), []);
	await lock.release();
	await lock.release();
});

test('the unfinished file of a killed process is removed, and is not listed', async (t) => {
	const directory = await temporaryDirectory(t);
	const folder = new DirectoryFolder(directory);
	await writeFile(join(directory, '.a.txt.part'), 'half of it, and longer');
	t.deepEqual(await listed(folder), []);
	await putFile(folder, 'a.txt', [Buffer.from('whole')]);
	t.deepEqual(await readdir(directory), ['a.txt']);
	for (const name of ['.b.txt.part', '.c.md.part', '.x.mkv.journal.part'])
		await writeFile(join(directory, name), '');
	await folder.removeUnfinished((name) => name.endsWith('.txt'));
	t.deepEqual((await readdir(directory)).sort(), ['.c.md.part', '.x.mkv.journal.part', 'a.txt']);
	t.is(await readFile(join(directory, 'a.txt'), 'utf8'), 'whole');
});

test('one process writes to a directory at a time, and one that is empty after it is not left', async (t) => {
	const base = await temporaryDirectory(t);
	const folder = new DirectoryFolder(join(base, 'deep', 'place'));
	const lock = await folder.lock();
	const error = await t.throwsAsync(new DirectoryFolder(folder.name).lock());
	t.is((error as { code?: string }).code, 'KVS_SINK_FAILED');
	t.is(
		error?.message,
		`cannot write to \`${folder.name}\`: process ${process.pid} is writing to it; wait until it has ended, or use another directory`,
	);
	await lock.release();
	t.deepEqual(await readdir(base), []);
	await mkdir(folder.name, { recursive: true });
	await (await folder.lock()).release();
	t.deepEqual(await readdir(base), ['deep']);
});

test('a path that is not a file is neither read nor replaced, and the message says so', async (t) => {
	const directory = await temporaryDirectory(t);
	const folder = new DirectoryFolder(directory);
	await mkdir(join(directory, 'a'));
	for (const act of [folder.read('a'), folder.sizeOf('a'), putFile(folder, 'a', [Buffer.from('x')])]) {
		await t.throwsAsync(act, { code: 'KVS_SINK_FAILED', message: /`.*\/a` is a directory, not a file/ });
	}
	await writeFile(join(directory, 'file'), '');
	await t.throwsAsync(new DirectoryFolder(join(directory, 'file')).lock(), {
		code: 'KVS_SINK_FAILED',
		message: /^cannot write to `.*file`: /,
	});
	await symlink(join(directory, 'file'), join(directory, 'link'));
	t.is(await folder.sizeOf('link'), 0);
	t.throws(() => new DirectoryFolder(''), { code: 'KVS_INVALID_OPTION' });
});
