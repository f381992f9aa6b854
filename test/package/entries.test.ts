import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { installPackage } from '../helpers/package/packed-package.js';
import { run } from '../helpers/tools.js';

/** The names by which the package is imported. */
async function entries(): Promise<string[]> {
	const { exports } = JSON.parse(await readFile('package.json', 'utf8'));
	return Object.keys(exports)
		.filter((entry) => !entry.endsWith('.json'))
		.map((entry) => entry.replace(/^\./, 'kvs-archive'));
}

test('every entry is loaded by import and by require, without optional peers', async (t) => {
	const directory = await installPackage(t);
	const names = await entries();
	t.true(names.includes('kvs-archive') && names.includes('kvs-archive/server'));
	const script = `
		const names = ${JSON.stringify(names)};
		(async () => {
			for (const name of names) {
				const required = Object.keys(require(name)).sort();
				const imported = Object.keys(await import(name)).sort();
				require('node:assert').deepEqual(required, imported);
				console.log(name, required.length > 0);
			}
			require('kvs-archive/package.json');
		})();`;
	await writeFile(join(directory, 'program.cjs'), script);
	const { code, stdout, stderr } = await run(process.execPath, ['program.cjs'], { cwd: directory });
	t.is(code, 0, stderr);
	t.is(stdout, names.map((name) => `${name} true\n`).join(''));
	t.is(stderr, '');
});

test('what an entry exports has the name it is exported by', async (t) => {
	const directory = await installPackage(t);
	const script = `
		for (const entry of ${JSON.stringify(await entries())})
			for (const [name, value] of Object.entries(require(entry)))
				if (typeof value === 'function' && value.name !== name) console.log(entry, name, value.name);`;
	await writeFile(join(directory, 'program.cjs'), script);
	const { stdout } = await run(process.execPath, ['program.cjs'], { cwd: directory });
	t.is(stdout, '');
});

test('dev dependencies and optional peers are not found from where the package is installed', async (t) => {
	const directory = await installPackage(t);
	const script = `
		for (const name of ['ava', 'bullmq', 'ebml', 'typescript', 'mediabunny']) {
			try {
				console.log(name, require.resolve(name).length > 0);
			} catch (error) {
				console.log(name, error.code);
			}
		}`;
	await writeFile(join(directory, 'program.cjs'), script);
	const { stdout } = await run(process.execPath, ['program.cjs'], { cwd: directory });
	const missing = ['ava', 'bullmq', 'ebml', 'typescript'].map((name) => `${name} MODULE_NOT_FOUND\n`);
	t.is(stdout, `${missing.join('')}mediabunny true\n`);
});

test('the command of an installed package prints its version', async (t) => {
	const directory = await installPackage(t);
	const { version } = JSON.parse(await readFile('package.json', 'utf8'));
	const command = join(directory, 'node_modules', '.bin', 'kvs-archive');
	const printed = await run(process.execPath, [command, '--version'], { cwd: directory });
	t.deepEqual(printed, { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('the command of an installed package finds the clip of its demo', async (t) => {
	const directory = await installPackage(t);
	const command = join(directory, 'node_modules', '.bin', 'kvs-archive');
	const demo = await run(process.execPath, [command, 'demo'], { cwd: directory });
	t.is(demo.code, 0, demo.stderr);
	t.regex(demo.stdout, /inspect node_modules\/kvs-archive\/examples\/media\/clock\.mkv$/m);
});
