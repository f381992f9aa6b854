import { existsSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeDirectory } from '#lib/files/make-directory.js';
import { temporaryDirectory } from '../helpers/tools.js';

test('a directory is made with those above it, and the first of them is returned', async (t) => {
	const base = await temporaryDirectory(t);
	const path = join(base, 'a', 'b', 'c');
	t.is(await makeDirectory(path, 0o700), join(base, 'a'));
	t.is((await stat(join(base, 'a'))).mode & 0o777, 0o700);
	t.is((await stat(path)).mode & 0o777, 0o700);
	t.is(await makeDirectory(path), null);
	t.is(await makeDirectory('/'), null);
});

test('many may make it at once', async (t) => {
	const path = join(await temporaryDirectory(t), 'a', 'b');
	await Promise.all(Array.from({ length: 20 }, (_, n) => makeDirectory(join(path, `${n}`))));
	t.is((await readdir(path)).length, 20);
});

test('a file in its place, or above it, is an error of the system', async (t) => {
	const file = join(await temporaryDirectory(t), 'file');
	await writeFile(file, '');
	await t.throwsAsync(makeDirectory(file), { code: 'EEXIST' });
	await t.throwsAsync(makeDirectory(join(file, 'a', 'b')), { code: 'ENOTDIR' });
});

const testWithProc = existsSync('/proc/self/stat') ? test : test.skip;
testWithProc('a directory that cannot be created is an error that names where', async (t) => {
	const message =
		'cannot create a directory in `/proc` (ENOENT); check that the file system is mounted and writable';
	await t.throwsAsync(makeDirectory('/proc/x'), { message });
	await t.throwsAsync(makeDirectory('/proc/x/y/z'), { message });
});
