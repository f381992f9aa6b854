import { checkStreamId } from '../aws/stream-id.js';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { ExportOptions, ExportPicturesOptions } from '../index.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type RangeClock, resolveTimeRange, type TimeRange } from '../model/time-range.js';
import { type Container, checkContainer } from '../muxing/container.js';
import { checkRegion } from '../wording/region-name.js';
import { checkOutput, isS3 } from './places/output-places.js';
import { checkRelativePath } from './places/path-below.js';

/** A stream, and where it is; never who reads it: credentials are those of the worker. */
export interface JobStream {
	readonly streamName?: string | undefined;
	readonly streamArn?: string | undefined;
	readonly endpoint?: string | undefined;
	readonly region?: string | undefined;
}

/** Options that can be put into a job: of `where` only tags. */
interface TagsOnly {
	readonly where?: Readonly<Record<string, string>> | undefined;
}

/** Options of the export of each slice, as for {@link KvsArchive.export}. */
export type SliceExportOptions = Pick<ExportOptions, 'tracks' | 'gaps' | 'split' | 'channels' | 'faststart'> &
	TagsOnly;

/** Options of the pictures of each slice, as for {@link KvsArchive.exportPictures}; `every…` counts anew in each slice. */
export type SliceFramesOptions = Pick<
	ExportPicturesOptions,
	'tracks' | 'select' | 'format' | 'size' | 'fit' | 'quality' | 'layout' | 'shardSizeBytes'
> &
	TagsOnly;

/**
 * What is done with each slice. `export`: a file of that container; `frames`: a folder of pictures; `handler`: a module below the
 * workers' folder of handlers is called, with `options` as they are (JSON).
 */
export type SliceWork =
	| {
			readonly kind: 'export';
			readonly container: Container;
			readonly options?: SliceExportOptions | undefined;
	  }
	| { readonly kind: 'frames'; readonly options?: SliceFramesOptions | undefined }
	| { readonly kind: 'handler'; readonly module: string; readonly options?: unknown };

/** What a worker is to do with one slice, as JSON in Redis. */
export interface SliceJob {
	readonly version: 1;
	readonly stream: JobStream;
	/** ISO 8601. */
	readonly from: string;
	readonly to: string;
	readonly by: RangeClock;
	readonly padStart: boolean;
	/** Fragments that were listed in it. */
	readonly fragments: number;
	readonly work: SliceWork;
	/** A folder, relative to the worker's own, or `s3://BUCKET/PREFIX/`; null: the work has no output. */
	readonly output: string | null;
}

const STREAM_NAMES: OptionNames<JobStream> = {
	streamName: true,
	streamArn: true,
	endpoint: true,
	region: true,
};

const OPTION_NAMES: Readonly<Record<'export' | 'frames', object>> = {
	export: {
		tracks: true,
		gaps: true,
		split: true,
		channels: true,
		faststart: true,
		where: true,
	} satisfies OptionNames<SliceExportOptions>,
	frames: {
		tracks: true,
		select: true,
		format: true,
		size: true,
		fit: true,
		quality: true,
		layout: true,
		shardSizeBytes: true,
		where: true,
	} satisfies OptionNames<SliceFramesOptions>,
};

const WORK_NAMES: Readonly<Record<SliceWork['kind'], object>> = {
	export: { kind: true, container: true, options: true },
	frames: { kind: true, options: true },
	handler: { kind: true, module: true, options: true },
};

/** Checks what a stream is named by. Throws `InvalidOptionError`, also for an endpoint that holds a name or a password. */
export function checkJobStream(stream: JobStream): void {
	checkOptionNames(stream, STREAM_NAMES, { within: 'stream' });
	const { endpoint } = stream;
	for (const [name, value] of Object.entries(stream)) {
		if (value !== undefined && typeof value !== 'string')
			throw new InvalidOptionError(name, 'a string', value);
	}
	checkStreamId(stream);
	checkRegion(stream.region);
	if (endpoint === undefined) return;
	const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
	if (url === null || !/^https?:$/.test(url.protocol)) {
		throw new InvalidOptionError('endpoint', 'an http or https URL');
	}
	if (url.username !== '' || url.password !== '') {
		throw new InvalidOptionError('endpoint', 'a URL without a user name and a password, as jobs hold none');
	}
}

/** Checks what is to be done, as far as that can be known without doing it. Throws `InvalidOptionError`. */
export function checkSliceWork(work: SliceWork): void {
	const names: object | undefined = Object.hasOwn(WORK_NAMES, work.kind) ? WORK_NAMES[work.kind] : undefined;
	if (names === undefined) {
		throw new InvalidOptionError('work.kind', "'export', 'frames' or 'handler'", work.kind);
	}
	checkOptionNames(work, names, { within: 'work' });
	if (work.kind === 'handler') {
		checkRelativePath('work.module', work.module);
		return;
	}
	// It is the end of a file's name.
	if (work.kind === 'export') checkContainer('work.container', work.container);
	const { options = {} } = work;
	if (typeof options !== 'object' || options === null) {
		throw new InvalidOptionError('work.options', 'an object', options);
	}
	checkOptionNames(options, OPTION_NAMES[work.kind], { within: 'work.options' });
	if (typeof options.where === 'function') {
		throw new InvalidOptionError(
			'work.options.where',
			'tags: a function cannot be put into a job',
			options.where,
		);
	}
}

/** Checks where work writes to, and returns it always in the same form. Throws `InvalidOptionError`. */
export function checkSliceOutput(work: SliceWork, output: string | null): string | null {
	if (output === null) {
		if (work.kind === 'handler') return null;
		throw new InvalidOptionError('output', 'given: a folder, or `s3://BUCKET/PREFIX/`', undefined);
	}
	if (work.kind === 'handler' && isS3(output)) {
		throw new InvalidOptionError('output', 'a folder, as the worker puts nothing of modules into S3', output);
	}
	return checkOutput('output', output);
}

/**
 * Reads a job as it comes out of Redis, where anyone may have put anything. Throws `ArchiveError` (`KVS_JOB_REFUSED`) for one that
 * no version of this package, or a later one, has written.
 */
export function readSliceJob(data: unknown): SliceJob {
	try {
		const job = data as SliceJob;
		if (typeof job !== 'object' || job === null) throw new TypeError('it is not an object');
		if (job.version !== 1)
			throw new TypeError(`its version is ${String(job.version)}, the only known one is 1`);
		const { stream, from, to, by, padStart, fragments, work, output } = job;
		if (typeof stream !== 'object' || stream === null || typeof work !== 'object' || work === null) {
			throw new TypeError('`stream` or `work` is missing');
		}
		checkJobStream(stream);
		resolveTimeRange({ from, to, by } satisfies TimeRange);
		if (typeof padStart !== 'boolean' || !Number.isSafeInteger(fragments)) {
			throw new TypeError('`padStart` or `fragments` is invalid');
		}
		checkSliceWork(work);
		checkSliceOutput(work, output);
		return job;
	} catch (cause) {
		const message = `the worker refuses the job: ${(cause as Error).message}`;
		throw new ArchiveError('KVS_JOB_REFUSED', message, { cause });
	}
}
