import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import { installPackage } from '../helpers/package/packed-package.js';
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
	/** How modules are resolved. */
	readonly modes: readonly string[];
}

async function cases(): Promise<Case[]> {
	const { exports } = JSON.parse(await readFile('package.json', 'utf8'));
	const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'));
	const alone = entries.filter((entry) => !(entry in peersOf));
	return [
		{ entries: alone, peers: [], modes: ['nodenext'] },
		{ entries, peers: Object.values(peersOf).flat(), modes: ['nodenext', 'bundler'] },
	];
}

test('the types are clean without skipLibCheck, under nodenext and bundler, from ESM and CommonJS', async (t) => {
	// Three programs are compiled, with all the types of the AWS SDK.
	t.timeout(600_000);
	for (const { entries, peers, modes } of await cases()) {
		const directory = await installPackage(t, ['@types/node', ...peers]);
		const lines = entries.map((entry, index) => {
			const name = entry.replace(/^\./, 'kvs-archive');
			return `import * as entry${index} from '${name}';\nconsole.log(Object.keys(entry${index}));\n`;
		});
		// An error that is not found with these options is an error itself.
		lines.push(
			"import { KvsArchive } from 'kvs-archive';\n// @ts-expect-error A name is a text.\nnew KvsArchive({ streamName: 1 });\n",
		);
		for (const name of ['program.mts', 'program.cts']) await writeFile(join(directory, name), lines.join(''));
		for (const moduleResolution of modes) {
			const isBundler = moduleResolution === 'bundler';
			const compilerOptions = {
				module: isBundler ? 'esnext' : 'nodenext',
				moduleResolution,
				target: 'es2023',
				types: ['node'],
				strict: true,
				exactOptionalPropertyTypes: true,
				skipLibCheck: false,
				noEmit: true,
			};
			const files = isBundler ? ['program.mts'] : ['program.mts', 'program.cts'];
			await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
			const { code, stdout } = await run(process.execPath, [
				resolve('node_modules/.bin/tsc'),
				// Several threads would each check the types of the SDK.
				'--singleThreaded',
				'-p',
				directory,
			]);
			t.is(code, 0, `${moduleResolution}, with ${peers.join(', ') || 'no peers'}:\n${stdout}`);
		}
	}
});
