import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Outcome, run, temporaryDirectory } from '../tools.js';

/** Runs a program with the modules of `dist`, from where no package is found. */
export async function runWithoutPackages(t: ExecutionContext, program: string): Promise<Outcome> {
	return runIn(await temporaryDirectory(t), program);
}

/** The same, from where all packages are found but the optional ones. */
export async function runWithoutPeers(t: ExecutionContext, program: string): Promise<Outcome> {
	const directory = await temporaryDirectory(t);
	const { peerDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
	for (const name of await packagesOf(resolve('node_modules'))) {
		if (name in peerDependencies) continue;
		const link = join(directory, 'node_modules', name);
		await mkdir(dirname(link), { recursive: true });
		await symlink(resolve('node_modules', name), link);
	}
	return runIn(directory, program);
}

async function packagesOf(directory: string): Promise<string[]> {
	const names = await readdir(directory);
	const nested = names.map(async (name) =>
		name.startsWith('@') ? (await readdir(join(directory, name))).map((inner) => `${name}/${inner}`) : [name],
	);
	return (await Promise.all(nested)).flat();
}

async function runIn(directory: string, program: string): Promise<Outcome> {
	await symlink(resolve('dist'), join(directory, 'dist'));
	await copyFile('package.json', join(directory, 'package.json'));
	const script = join(directory, 'program.mjs');
	await writeFile(script, program);
	// So that packages are looked for where the links are.
	return run(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', script]);
}
