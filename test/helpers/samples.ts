import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';

const directory = resolve(process.env['KVS_SAMPLES'] ?? '../shared/samples');

/** Path of a real capture; logs and returns null where the samples are absent, for a test to return at once. */
export function sample(t: ExecutionContext, name: string): string | null {
	const path = join(directory, name);
	if (existsSync(path)) return path;
	t.log(`skipped: no ${name} in ${directory} (set KVS_SAMPLES)`);
	t.pass();
	return null;
}
