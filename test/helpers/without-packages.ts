import { copyFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Outcome, run, temporaryDirectory } from './tools.js';

/** Runs a program with the modules of `dist`, from where no package is found. */
export async function runWithoutPackages(t: ExecutionContext, program: string): Promise<Outcome> {
	const directory = await temporaryDirectory(t);
	await symlink(resolve('dist'), join(directory, 'dist'));
	await copyFile('package.json', join(directory, 'package.json'));
	const script = join(directory, 'program.mjs');
	await writeFile(script, program);
	// So that packages are looked for where the links are.
	return run(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', script]);
}
