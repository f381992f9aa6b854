import type { ExecutionContext } from 'ava';
import type { Outcome } from '../tools.js';

/** The lines of an output in JSON. */
export const objects = (text: string): Record<string, unknown>[] =>
	text
		.trim()
		.split('\n')
		.map((line) => JSON.parse(line));

/** Nothing but one line `CODE: message` on stderr. */
export function assertFailure(
	t: ExecutionContext,
	{ code, stdout, stderr }: Outcome,
	exitCode: number,
	line: RegExp,
): void {
	t.is(stdout, '');
	t.is(code, exitCode, stderr);
	t.regex(stderr, line);
	t.is(stderr.split('\n').length, 2, stderr);
	t.regex(stderr, /^KVS_[A-Z_]+: [^\n]+\n$/);
}
