import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pythons } from '../needs.js';

const run = promisify(execFile);

/** Pythons that can import boto3, each version of it once: at least one in a test that is declared to need it. */
export async function findBoto3(): Promise<string[]> {
	const found = new Map<string, string>();
	for (const python of pythons) {
		const version = await run(python, ['-c', 'import boto3; print(boto3.__version__)']).then(
			({ stdout }) => stdout,
			() => null,
		);
		if (version !== null && !found.has(version)) found.set(version, python);
	}
	return [...found.values()];
}

/** Runs a Python script and gives the JSON it prints. */
// biome-ignore lint/suspicious/noExplicitAny: responses are looked into field by field
export async function runPython(python: string, script: string, args: readonly string[] = []): Promise<any> {
	const { stdout } = await run(python, ['-c', script, ...args]);
	return JSON.parse(stdout);
}
