import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { installPackage } from '../helpers/packed-package.js';
import { run } from '../helpers/tools.js';

/** Entries that are of no use without a package of the caller's own, and the packages. */
const peersOf: Readonly<Record<string, readonly string[]>> = {
	'./s3': ['@aws-sdk/client-s3'],
	'./dynamodb': ['@aws-sdk/client-dynamodb'],
	'./bullmq': ['bullmq', 'ioredis'],
};

interface Case {
	readonly entries: readonly string[];
	readonly peers: readonly string[];
}

async function cases(): Promise<Case[]> {
	const { exports } = JSON.parse(await readFile('package.json', 'utf8'));
	const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
	const alone = entries.filter((entry) => !(entry in peersOf));
	return [
		{ entries: alone, peers: [] },
		{ entries, peers: Object.values(peersOf).flat() },
	];
}

test('the types are clean without skipLibCheck, under nodenext and bundler, from ESM and CommonJS', async (t) => {
	// Six programs are compiled, with all the types of the AWS SDK.
	t.timeout(600_000);
	for (const { entries, peers } of await cases()) {
		const directory = await installPackage(t, ['@types/node', ...peers]);
		const lines = entries.map((entry, index) => {
			const name = entry.replace(/^\./, 'kvs-archive');
			return `import * as entry${index} from '${name}';\nconsole.log(Object.keys(entry${index}));\n`;
		});
		for (const name of ['program.mts', 'program.cts']) await writeFile(join(directory, name), lines.join(''));
		for (const [moduleResolution, module] of [
			['nodenext', 'nodenext'],
			['bundler', 'esnext'],
		]) {
			const compilerOptions = {
				module,
				moduleResolution,
				target: 'es2023',
				types: ['node'],
				strict: true,
				exactOptionalPropertyTypes: true,
				skipLibCheck: false,
				noEmit: true,
			};
			const files = moduleResolution === 'bundler' ? ['program.mts'] : ['program.mts', 'program.cts'];
			await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
			const { code, stdout } = await run(process.execPath, [
				resolve('node_modules/.bin/tsc'),
				'-p',
				directory,
			]);
			t.is(code, 0, `${moduleResolution}, with ${peers.join(', ') || 'no peers'}:\n${stdout}`);
		}
	}
});

test('an error of type in a program is found with these options', async (t) => {
	const directory = await installPackage(t, ['@types/node']);
	const program = `import { KvsArchive } from 'kvs-archive';\nnew KvsArchive({ streamName: 1 });\n`;
	await writeFile(join(directory, 'program.mts'), program);
	const options = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--strict', '--noEmit'];
	const tsc = resolve('node_modules/.bin/tsc');
	const { stdout } = await run(process.execPath, [tsc, ...options, 'program.mts'], { cwd: directory });
	t.regex(stdout, /program\.mts\(2,\d+\): error TS2322: Type 'number' is not assignable to type 'string'/);
});
