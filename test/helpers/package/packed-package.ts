import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run, temporaryDirectory } from '../tools.js';
import { installedPackages } from './lockfile.js';

/** What `npm publish` would upload. */
export interface PackedPackage {
	/** Path of the tarball. */
	readonly tarball: string;
	/** Where its files are, as in it. */
	readonly directory: string;
	readonly files: readonly PackedFile[];
}

export interface PackedFile {
	/** With slashes, as in `dist/index.js`. */
	readonly path: string;
	/** In bytes. */
	readonly size: number;
}

let packed: Promise<PackedPackage> | undefined;
let folder: string | undefined;

test.after.always('what was packed is removed', async () => {
	if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Packs what `npm run build` makes of the project, once for the tests of a file. */
export function packedPackage(): Promise<PackedPackage> {
	packed ??= pack();
	return packed;
}

async function pack(): Promise<PackedPackage> {
	folder = await mkdtemp(join(tmpdir(), 'kvs-archive-packed-'));
	// Not where `prepack` does it: other tests use `dist` at this moment, where each module is a file.
	const directory = join(folder, 'package');
	const isBuilt = (path: string): boolean => !/^dist\/(?!view\/page\/).*\.js$|^dist\/chunks/.test(path);
	const { files: published } = JSON.parse(await readFile('package.json', 'utf8'));
	const roots = published.filter((path: string) => !path.startsWith('dist/'));
	for (const path of [...roots, 'LICENSE', 'README.md', 'package.json', 'dist'])
		await cp(path, join(directory, path), { recursive: true, filter: isBuilt });
	await npm(['run', 'bundle', '--', join(directory, 'dist')]);
	const args = ['pack', '--ignore-scripts', '--offline', '--json', '--pack-destination', folder];
	const [{ filename, files }] = JSON.parse(await npm(args, directory));
	return { tarball: join(folder, filename), directory, files };
}

async function npm(args: readonly string[], cwd?: string): Promise<string> {
	const { code, stdout, stderr } = await run('npm', args, cwd === undefined ? {} : { cwd });
	if (code !== 0) throw new Error(`npm ${args[0]} ended with ${code}: ${stderr}`);
	return stdout;
}

/**
 * An empty directory after `npm install kvs-archive`, without the network: the tarball is unpacked into `node_modules`, and
 * what the lockfile says it needs is linked beside it. Dev dependencies are not found there, and optional peers neither.
 * @param more Names of packages that are installed too: optional peers, `@types/node`, `typescript`, `esbuild`.
 * @returns The directory, which is gone when the test is over. `node_modules/.bin/kvs-archive` is the command.
 */
export async function installPackage(
	t: Pick<ExecutionContext, 'teardown'>,
	more: readonly string[] = [],
): Promise<string> {
	const { tarball } = await packedPackage();
	const directory = await temporaryDirectory(t);
	const home = join(directory, 'node_modules', 'kvs-archive');
	await mkdir(home, { recursive: true });
	const unpacked = await run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
	if (unpacked.code !== 0) throw new Error(`tar ended with ${unpacked.code}: ${unpacked.stderr}`);
	for (const { name, path } of await installedPackages(more)) {
		// One that stands inside another comes with it.
		if (path !== `node_modules/${name}`) continue;
		const link = join(directory, 'node_modules', name);
		await mkdir(dirname(link), { recursive: true });
		await symlink(resolve(path), link);
	}
	const { version, bin } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
	for (const [name, script] of Object.entries<string>(bin)) {
		const commands = join(directory, 'node_modules', '.bin');
		await mkdir(commands, { recursive: true });
		await chmod(join(home, script), 0o755);
		await symlink(relative(commands, join(home, script)), join(commands, name));
	}
	const manifest = { private: true, dependencies: { 'kvs-archive': version } };
	await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
	return directory;
}
