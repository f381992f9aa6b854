import { pathToFileURL } from 'node:url';
import { ArchiveError } from '../errors.js';
import type { KvsArchive, RangeClock } from '../index.js';
import { fileBelow } from './places/path-below.js';
import type { JobStream } from './slice-job.js';

/** What a handler module is called with. */
export interface HandlerSlice extends JobStream {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
	/** To be given to the methods of the archive: whether what runs into the slice belongs to it. */
	readonly padStart: boolean;
	/**
	 * A folder for what the handler writes, empty; it gets its name when the handler is over, in place of what an earlier attempt left.
	 * `slice.json` is not for the handler. Null where the work has no output.
	 */
	readonly directory: string | null;
	/** As they were submitted. */
	readonly options: unknown;
}

/**
 * The default export of a handler module: does something with a slice, and returns what is known then, as JSON of at most 1 MiB.
 * `archive` is the stream, and stays open. What it throws is a failed attempt. It may be called again for a slice it was called
 * with before, after a failure, or where its worker was killed.
 */
export type SliceHandler = (slice: HandlerSlice, archive: KvsArchive, signal: AbortSignal) => unknown;

/** Results are kept in Redis. */
const MAX_RESULT_CHARS = 1024 * 1024;

/** Loads a module of the worker's folder and calls it. The module is loaded once for the life of the process. */
export async function callHandler(
	module: string,
	slice: HandlerSlice,
	{ archive, handlers, signal }: { archive: KvsArchive; handlers: string; signal: AbortSignal },
): Promise<unknown> {
	const handler = await loadHandler<SliceHandler>(handlers, module);
	const value = await handler(slice, archive, signal);
	signal.throwIfAborted();
	const text = JSON.stringify(value) as string | undefined;
	if (text !== undefined && text.length > MAX_RESULT_CHARS) {
		const message = `the handler \`${module}\` returned ${text.length} characters of JSON, more than ${MAX_RESULT_CHARS}: write them into its folder`;
		throw new ArchiveError('KVS_JOB_REFUSED', message);
	}
	return value ?? null;
}

/** The default export of a module of the worker's folder. Rejects with `ArchiveError` (`KVS_JOB_REFUSED`) where it is not a function. */
export async function loadHandler<Handler>(handlers: string, module: string): Promise<Handler> {
	const file = await fileBelow(handlers, module);
	const { default: handler } = (await import(pathToFileURL(file).href)) as { default?: unknown };
	if (typeof handler === 'function') return handler as Handler;
	throw new ArchiveError(
		'KVS_JOB_REFUSED',
		`the worker refuses the job: \`${module}\` has no function as its default export`,
	);
}
