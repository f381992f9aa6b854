import { InvalidOptionError } from '../errors.js';
import { MAX_RETENTION_HOURS } from './store/stream-metadata.js';
import { STREAM_NAME } from './wire/stream-name.js';

/** How long a file's name may be on the usual disks; a stream's name becomes one. One less than the service allows. */
const MAX_STREAM_NAME_LENGTH = 255;

/** Where and how a `LocalArchive` keeps its streams. */
export interface LocalArchiveOptions {
	/** Directory of the archive, made where it is absent. @default a temporary one, removed by `close` */
	readonly dataDirectory?: string | undefined;
	/** AWS region that the streams' ARNs name. @default 'us-east-1' */
	readonly region?: string | undefined;
	/** The clock, epoch milliseconds: creation times, and the last frame of a file without a start. @default Date.now */
	readonly now?: (() => number) | undefined;
	/**
	 * Called with each problem that is found in the data directory, in a sentence: files that are not the archive's,
	 * payloads without an index, fragments that are damaged. @default `process.emitWarning`
	 */
	readonly onWarning?: ((message: string) => void) | undefined;
	/** Whether what producers put in is made durable (fsync) before it is acknowledged. @default true */
	readonly fsync?: boolean | undefined;
	/** How long a stream that an ingest makes keeps what producers put into it, in hours. @default 24 */
	readonly retentionHours?: number | undefined;
	/** Random whole number below its argument, for fragment numbers. @default `randomInt` of node:crypto */
	readonly randomInt?: ((exclusiveMax: number) => number) | undefined;
}

/** The hours of a retention that was given. Throws `InvalidOptionError`. */
export function checkRetention(hours: number): number {
	if (Number.isInteger(hours) && hours >= 0 && hours <= MAX_RETENTION_HOURS) return hours;
	throw new InvalidOptionError('retentionHours', `a whole number from 0 to ${MAX_RETENTION_HOURS}`, hours);
}

/** Throws `InvalidOptionError` for a name that no stream can have. */
export function checkStreamName(name: string): void {
	const { maxLength, pattern } = STREAM_NAME;
	const isOneOfTheService = typeof name === 'string' && name.length <= maxLength && pattern.test(name);
	// The pattern allows `.` and `..`, which are no names for a directory of one's own.
	if (!isOneOfTheService || name.length > MAX_STREAM_NAME_LENGTH || /^\.{1,2}$/.test(name)) {
		throw new InvalidOptionError(
			'streamName',
			`1 to ${MAX_STREAM_NAME_LENGTH} of the characters a-z, A-Z, 0-9, _, . and -, other than \`.\` and \`..\``,
			name,
		);
	}
}
