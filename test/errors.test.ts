import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ERROR_CODES } from '#lib/errors.js';

test('every code is documented, and every documented code exists', async (t) => {
	const text = await readFile('docs/errors.md', 'utf8');
	const documented = [...text.matchAll(/^\| `(KVS_\w+)` \|/gm)].map(([, code]) => code);
	t.deepEqual(documented, [...ERROR_CODES]);
});

test('every code is used', async (t) => {
	const files = (await readdir('lib', { recursive: true })).filter(
		(name) => name.endsWith('.ts') && name !== 'errors.ts',
	);
	const texts = await Promise.all(files.map((file) => readFile(join('lib', file), 'utf8')));
	const used = new Set(texts.flatMap((text) => text.match(/KVS_[A-Z_]+/g) ?? []));
	t.deepEqual(
		ERROR_CODES.filter(
			(code) => code !== 'KVS_INVALID_OPTION' && code !== 'KVS_FRAGMENT_FAILED' && !used.has(code),
		),
		[],
	);
});
