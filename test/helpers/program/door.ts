import type { ExecutionContext } from 'ava';
import { recording } from '../media/payload.js';
import { startArchive, type TestArchive } from '../service/archive.js';

/** A range that has all of the recording, as arguments. */
export const range = [
	'--stream',
	'door',
	'--from',
	'2026-01-31',
	'--to',
	'2026-01-31T01:00:00Z',
	'--by',
	'producer',
];

/** A server with a recording in the stream `door`; `at` are the arguments that read it. */
export async function door(t: ExecutionContext, count = 3): Promise<TestArchive & { at: readonly string[] }> {
	const archive = await startArchive(t, { door: recording(count) });
	return { ...archive, at: [...range, '--endpoint', archive.endpoint] };
}
