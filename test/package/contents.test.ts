import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import test from 'ava';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { installedPackages } from '../helpers/package/lockfile.js';
import { packedPackage } from '../helpers/package/packed-package.js';
import { licencesPage } from './licences.js';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

/** The modules that the package is entered by. */
const entries = new Set(JSON.stringify([manifest.exports, manifest.bin]).match(/dist\/[\w/-]+\.js/g));

/** With slashes, below `folder`. */
async function filesBelow(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).replaceAll('\\', '/'));
}

test('the package contains the types of lib, its bundled entries, the documents and the examples, and nothing else', async (t) => {
	const { files } = await packedPackage();
	const sources = (await filesBelow('lib')).filter(
		(path) => !path.startsWith('lib/view/page/') && !path.endsWith('.d.ts'),
	);
	t.true(sources.length > 500);
	const types = sources.map((path) => path.replace(/^lib/, 'dist').replace(/\.ts$/, '.d.ts'));
	const page = ['icon.svg', 'index.html', 'main.css', 'main.js', 'notice.txt'];
	const expected = [
		...types,
		...entries,
		...page.map((name) => `dist/view/page/${name}`),
		...(await filesBelow('docs')),
		...(await filesBelow('examples')),
		'CHANGELOG.md',
		'LICENSE',
		'NOTICE',
		'README.md',
		'SECURITY.md',
		'package.json',
		'test/bench/README.md',
	];
	const isChunk = (path: string): boolean => /^dist\/chunks\/[\w-]+\.js$/.test(path);
	t.deepEqual(
		files.flatMap(({ path }) => (isChunk(path) ? [] : [path])).toSorted(),
		expected.toSorted(),
		'dist has what is not in lib, or lacks what is: rm -rf dist, and build it again',
	);
});

test('no file of the package names a source map, which it does not have', async (t) => {
	const { files, directory } = await packedPackage();
	const named: string[] = [];
	for (const { path } of files) {
		if (!/^dist\/.*\.(?:js|ts|css)$/.test(path)) continue;
		if (/\n\/[/*]# sourceMappingURL=/.test(await readFile(join(directory, path), 'utf8'))) named.push(path);
	}
	t.deepEqual(named, []);
});

test('the chunks of the package are those that its entries load, and its core loads nothing else', async (t) => {
	const { files, directory } = await packedPackage();
	const loadedFrom = async (
		starts: Iterable<string>,
	): Promise<{ chunks: Set<string>; others: Set<string> }> => {
		const [chunks, others] = [new Set(starts), new Set<string>()];
		for (const path of chunks) {
			const text = await readFile(join(directory, path), 'utf8');
			for (const match of text.matchAll(/^(?:import|export)\b[^'\n]*'([^']+)'|\bimport\('([^']+)'\)/gm)) {
				const name = match[1] ?? match[2] ?? '';
				if (name.startsWith('.')) chunks.add(posix.join(posix.dirname(path), name));
				else others.add(name);
			}
		}
		return { chunks, others };
	};
	const code = files.map(({ path }) => path).filter((path) => /^dist\/(?!view\/page\/).*\.js$/.test(path));
	const { chunks, others } = await loadedFrom(entries);
	t.deepEqual([...chunks].toSorted(), code.toSorted());
	t.true(others.has('node:stream') && others.has('commander'));
	t.deepEqual([...(await loadedFrom(['dist/mkv-core.js'])).others], []);
});

test('every relative link of the documents leads to a file of the package', async (t) => {
	const { files } = await packedPackage();
	const paths = new Set(files.map(({ path }) => path));
	const dead: string[] = [];
	let links = 0;
	for (const page of [...paths].filter((path) => path.endsWith('.md'))) {
		const text = (await readFile(page, 'utf8')).replace(/^```[\s\S]*?^```$/gm, '');
		for (const [, link = ''] of text.matchAll(/(?:\]\(|\b(?:src|href)=")([^)"#\s]+)/g)) {
			if (/^[a-z]+:/.test(link)) continue;
			links++;
			if (!paths.has(posix.join(posix.dirname(page), link))) dead.push(`${page}: ${link}`);
		}
	}
	t.true(links > 20);
	t.deepEqual(dead, []);
});

test('publint and attw find nothing', async (t) => {
	const { tarball } = await packedPackage();
	const bytes = await readFile(tarball);
	const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer as ArrayBuffer }, strict: true });
	t.deepEqual(
		messages.map((message) => formatMessage(message, pkg, { color: false })),
		[],
	);
	const { entrypoints, problems } = (await checkPackage(createPackageFromTarballData(bytes))) as {
		entrypoints?: object;
		problems?: { kind: string; resolutionKind?: string }[];
	};
	t.deepEqual(Object.keys(entrypoints ?? {}), Object.keys(manifest.exports));
	// attw's profile `esm-only`: it does not know that Node loads ESM by `require`, and resolution before `exports` is past its end.
	const found = (problems ?? []).filter(
		({ kind, resolutionKind }) =>
			kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs',
	);
	t.deepEqual(found, []);
});

/** In bytes, of the files of a package without those of packages inside it. */
async function sizeOf(folder: string): Promise<number> {
	const own = (await filesBelow(folder)).filter(
		(path) => !path.slice(folder.length).includes('/node_modules/'),
	);
	const stats = await Promise.all(own.map((path) => stat(path)));
	return stats.reduce((sum, { size }) => sum + size, 0);
}

test('what is installed has the size that the documents say', async (t) => {
	const { files } = await packedPackage();
	const packages = await installedPackages();
	let bytes = files.reduce((sum, { size }) => sum + size, 0);
	for (const { path } of packages) bytes += await sizeOf(path);
	const text = await readFile('docs/package.md', 'utf8');
	const [, stated, count] = /\*\*(\d+) MB\*\* in (\d+) packages/.exec(text) ?? [];
	t.is(Number(count), packages.length + 1);
	t.true(
		Math.abs(bytes / 1e6 - Number(stated)) <= 1,
		`docs/package.md says ${stated} MB, it is ${bytes} bytes`,
	);
});

test('nothing that is installed runs a script', async (t) => {
	for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) t.false(name in manifest.scripts);
	const withScripts: string[] = [];
	for (const { name, path } of await installedPackages()) {
		const { scripts = {} } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
		const runs = ['preinstall', 'install', 'postinstall'].some((script) => script in scripts);
		if (runs || existsSync(join(path, 'binding.gyp'))) withScripts.push(name);
	}
	t.deepEqual(withScripts, []);
});

test('the licence of everything that is installed is known, and listed', async (t) => {
	const known = ['0BSD', 'Apache-2.0', 'MIT', 'MPL-2.0'];
	const packages = await installedPackages();
	t.deepEqual(
		packages.filter(({ licence }) => licence === undefined || !known.includes(licence)),
		[],
	);
	t.is(await readFile('docs/licences.md', 'utf8'), await licencesPage(), 'npm run licences writes it');
});

test('the package says who made it and where it is', async (t) => {
	const { homepage, bugs, repository, author, license } = manifest;
	const [, home] = /^git\+(https:\/\/.*)\.git$/.exec(repository.url) ?? [];
	t.deepEqual([homepage, bugs.url, license], [`${home}#readme`, `${home}/issues`, 'Apache-2.0']);
	for (const name of ['LICENSE', 'NOTICE']) {
		t.regex(await readFile(name, 'utf8'), new RegExp(`Copyright \\d{4} ${author}`));
	}
});
