import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const run = promisify(execFile);

/** Pythons that can import boto3, each version of it once; none after the log line that says so. In CI that is a failure. */
export async function findBoto3(t: ExecutionContext): Promise<string[]> {
	const found = new Map<string, string>();
	for (const python of ['/usr/bin/python3', 'python3']) {
		const version = await run(python, ['-c', 'import boto3; print(boto3.__version__)']).then(
			({ stdout }) => stdout,
			() => null,
		);
		if (version !== null && !found.has(version)) found.set(version, python);
	}
	if (found.size === 0) {
		if (process.env['CI'] === 'true') t.fail('boto3 must be there in CI');
		t.log('skipped: no python3 that has boto3');
		t.pass();
	}
	return [...found.values()];
}

/** Runs a Python script and answers the JSON it prints. */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field
export async function runPython(python: string, script: string, args: readonly string[] = []): Promise<any> {
	const { stdout } = await run(python, ['-c', script, ...args]);
	return JSON.parse(stdout);
}
