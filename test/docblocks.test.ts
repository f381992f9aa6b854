import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';

const exported =
	/^export (?:default )?(?:abstract )?(?:async )?(?:class|function\*?|const|interface|type|enum) (\w+)/;

test('every export says what it is for', async (t) => {
	const lib = resolve('lib');
	const files = (await readdir(lib, { recursive: true })).filter((name) => name.endsWith('.ts'));
	const bare: string[] = [];
	for (const file of files) {
		const lines = (await readFile(join(lib, file), 'utf8')).split('\n');
		for (const [index, line] of lines.entries()) {
			const name = exported.exec(line)?.[1];
			if (name !== undefined && !(lines[index - 1] ?? '').trimEnd().endsWith('*/'))
				bare.push(`${file}: ${name}`);
		}
	}
	t.deepEqual(bare, []);
});
