import { createHash } from 'node:crypto';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { RecordOptions } from '../index.js';
import { resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type Container, checkContainer } from '../muxing/container.js';
import { checkOutput } from './places/output-places.js';
import { checkRelativePath } from './places/path-below.js';
import { checkJobStream, type JobStream } from './slice-job.js';

/**
 * What is done with what comes into a stream. `handler`: a module is called with each fragment. `record`: each turn writes what is
 * new into finished files, in a folder of the stream.
 */
export type FollowWork =
	| { readonly kind: 'handler'; readonly module: string; readonly options?: unknown }
	| {
			readonly kind: 'record';
			readonly container?: Container | undefined;
			readonly split?: RecordOptions['split'];
	  };

/** One turn of following a stream, as JSON in Redis; the same for every turn. */
export interface FollowJob {
	readonly version: 1;
	readonly stream: JobStream;
	/** Name that the checkpoint is kept under. */
	readonly consumer: string;
	/** Where the first turn begins: ISO 8601, or `earliest`. */
	readonly from: string;
	readonly where: Readonly<Record<string, string>> | null;
	readonly work: FollowWork;
	/** A folder, relative to the worker's own, or `s3://BUCKET/PREFIX/`; null: nothing is written. */
	readonly output: string | null;
}

const WORK_NAMES: Readonly<Record<FollowWork['kind'], object>> = {
	handler: { kind: true, module: true, options: true } satisfies OptionNames<
		Extract<FollowWork, { kind: 'handler' }>
	>,
	record: { kind: true, container: true, split: true } satisfies OptionNames<
		Extract<FollowWork, { kind: 'record' }>
	>,
};

const CONSUMER_PATTERN = /^[a-zA-Z0-9_.-]{1,100}$/;

/** What a stream's turns are called in the queue: the same for the same stream and consumer. */
export function followIdOf(stream: JobStream, consumer: string): string {
	const { streamName, streamArn, endpoint, region } = stream;
	const name = streamName ?? streamArn?.split('/')[1] ?? '';
	const text = JSON.stringify([streamName, streamArn, endpoint, region, consumer]);
	return `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Checks a job. Throws `InvalidOptionError`. */
export function checkFollowJob({ stream, consumer, from, where, work, output }: FollowJob): void {
	checkJobStream(stream);
	if (typeof consumer !== 'string' || !CONSUMER_PATTERN.test(consumer)) {
		throw new InvalidOptionError(
			'consumer',
			'1 to 100 of the characters a-z, A-Z, 0-9, _, . and -',
			consumer,
		);
	}
	if (from !== 'earliest') resolveInstant('from', from);
	if (where !== null && (typeof where !== 'object' || Array.isArray(where))) {
		throw new InvalidOptionError('where', 'an object of tag names and string values', where);
	}
	const names: object | undefined = Object.hasOwn(WORK_NAMES, work.kind) ? WORK_NAMES[work.kind] : undefined;
	if (names === undefined) throw new InvalidOptionError('work.kind', "'handler' or 'record'", work.kind);
	checkOptionNames(work, names, { within: 'work' });
	if (output !== null) checkOutput('output', output);
	if (work.kind === 'handler') {
		checkRelativePath('work.module', work.module);
		if (output !== null) throw new InvalidOptionError('output', 'left out with a handler', output);
	} else if (output === null)
		throw new InvalidOptionError('output', 'given: the folder to record into', output);
	else if (work.container !== undefined) checkContainer('work.container', work.container);
}

/** Reads a job as it comes out of Redis. Throws `ArchiveError` (`KVS_JOB_REFUSED`), as {@link readSliceJob} does. */
export function readFollowJob(data: unknown): FollowJob {
	try {
		const job = data as FollowJob;
		if (job?.version !== 1) throw new TypeError('it is not a job of version 1');
		if (typeof job.stream !== 'object' || job.stream === null) throw new TypeError('`stream` is missing');
		if (typeof job.work !== 'object' || job.work === null) throw new TypeError('`work` is missing');
		checkFollowJob(job);
		return job;
	} catch (cause) {
		const message = `the worker refuses the job: ${(cause as Error).message}`;
		throw new ArchiveError('KVS_JOB_REFUSED', message, { cause });
	}
}
