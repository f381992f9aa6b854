import { readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import test from 'ava';
import { run } from './helpers/tools.js';

test('the program in the README prints what the README says', async (t) => {
	const text = await readFile('README.md', 'utf8');
	const [, program = '', output = ''] = /```js\n([\s\S]*?)```\n\n```\n([\s\S]*?)```/.exec(text) ?? [];
	// Beside the compiled tests, from where the package is found by its name.
	const file = resolve('build/readme-program.mjs');
	await writeFile(file, program);
	t.teardown(() => rm(file));
	t.deepEqual(await run(process.execPath, [file]), { code: 0, stdout: output, stderr: '' });
});
