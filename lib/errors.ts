/**
 * Every code of an error: `docs/errors.md` says what each means and what to do. The last three
 * are printed by the command line only.
 */
export const ERROR_CODES = [
	'KVS_INVALID_OPTION',
	'KVS_NOT_FOUND',
	'KVS_DENIED',
	'KVS_THROTTLED',
	'KVS_UNREACHABLE',
	'KVS_REQUEST_FAILED',
	'KVS_NOT_PAGEABLE',
	'KVS_WAIT_TIMEOUT',
	'KVS_NO_RETENTION',
	'KVS_MKV_MALFORMED',
	'KVS_MEDIA_TRUNCATED',
	'KVS_MEDIA_UNSUPPORTED',
	'KVS_MEDIA_CHANGED',
	'KVS_FRAGMENT_FAILED',
	'KVS_EMPTY_RANGE',
	'KVS_SINK_FAILED',
	'KVS_TRACKS_CHANGED',
	'KVS_CODEC_NOT_SUPPORTED',
	'KVS_GAP_TOO_LONG',
	'KVS_NO_SUCH_TRACK',
	'KVS_MANIFEST_MISSING',
	'KVS_MANIFEST_INVALID',
	'KVS_EXPORT_DAMAGED',
	'KVS_FFMPEG_NOT_FOUND',
	'KVS_FFMPEG_FAILED',
	'KVS_INGEST_FAILED',
	'KVS_DATA_IN_USE',
	'KVS_DATA_DAMAGED',
	'KVS_CHECKPOINT_IN_USE',
	'KVS_CHECKPOINT_INVALID',
	'KVS_CHECKPOINT_FAILED',
	'KVS_STORAGE_FAILED',
	'KVS_LIMITER_FAILED',
	'KVS_PERMIT_LOST',
	'KVS_PEER_MISSING',
	'KVS_QUEUE_FAILED',
	'KVS_JOB_REFUSED',
	'KVS_CLOSED',
	'KVS_STALLED',
	'KVS_HELD_BACK',
	'KVS_LATE_FRAGMENT',
	'KVS_PART_LOST',
	'KVS_SERVER_FAILED',
	'KVS_FILE_UNREADABLE',
	'KVS_USAGE',
	'KVS_INTERRUPTED',
	'KVS_INTERNAL',
] as const;

/** One of {@link ERROR_CODES}. */
export type KvsErrorCode = (typeof ERROR_CODES)[number];

/**
 * The base of every error this package throws on purpose.
 *
 * `code` is stable and meant for programs; `message` is one line meant for people: what was tried, on what, what
 * came instead, and what to do. The original error, where there was one, is kept in `cause`. Aborts are never wrapped: they reject
 * with the signal's own reason.
 */
export class ArchiveError extends Error {
	override name = 'ArchiveError';
	/** Stable identifier. */
	readonly code: KvsErrorCode;
	/** Whether the same call may succeed later without a change by the caller. */
	readonly retryable: boolean;

	constructor(
		code: KvsErrorCode,
		message: string,
		{ cause, retryable = false }: { cause?: unknown; retryable?: boolean } = {},
	) {
		super(message, cause === undefined ? undefined : { cause });
		this.code = code;
		this.retryable = retryable;
	}
}

/** The caller's input is wrong: thrown at once, before any request is sent. Code `KVS_INVALID_OPTION`. */
export class InvalidOptionError extends ArchiveError {
	override name = 'InvalidOptionError' as const;
	/** The option's name, as the caller wrote it. */
	readonly option: string;

	/** `got`: what came instead; left out where it may be a secret. */
	constructor(option: string, expected: string, ...got: [unknown?]) {
		const instead = got.length === 0 ? '' : `, got ${show(got[0])}`;
		super('KVS_INVALID_OPTION', `expected \`${option}\` to be ${expected}${instead}`);
		this.option = option;
	}
}

/** What an AWS call adds to its error. */
export interface RequestErrorDetails {
	/** The operation's name, `ListFragments`. */
	operation: string;
	/** Name or ARN of the stream the call was about. */
	stream: string;
	/** The service's own error name, `ResourceNotFoundException`; the system's code (`ECONNREFUSED`) where no response came. */
	awsName: string;
	/** HTTP status, or `undefined` where no response came. */
	statusCode: number | undefined;
	/** The service's request id, for a support case. */
	requestId: string | undefined;
}

/**
 * A call to the service failed.
 *
 * Codes: `KVS_NOT_FOUND` (no such stream, or nothing in it to play), `KVS_DENIED` (credentials or policy), `KVS_THROTTLED` (quota, `retryable`),
 * `KVS_UNREACHABLE` (no response from the endpoint), `KVS_REQUEST_FAILED` (anything else).
 */
export class RequestError extends ArchiveError {
	override name = 'RequestError' as const;
	readonly operation: string;
	readonly stream: string;
	readonly awsName: string;
	readonly statusCode: number | undefined;
	readonly requestId: string | undefined;

	constructor(
		code: KvsErrorCode,
		message: string,
		details: RequestErrorDetails & { cause: unknown; retryable: boolean },
	) {
		super(code, message, details);
		this.operation = details.operation;
		this.stream = details.stream;
		this.awsName = details.awsName;
		this.statusCode = details.statusCode;
		this.requestId = details.requestId;
	}
}

/**
 * The bytes are not what they should be.
 *
 * Codes: `KVS_MKV_MALFORMED` (not Matroska, or broken), `KVS_MEDIA_TRUNCATED` (the bytes end inside an element),
 * `KVS_MEDIA_UNSUPPORTED` (well-formed, but nothing here can use it).
 */
export class MediaError extends ArchiveError {
	override name = 'MediaError' as const;
	/** Byte in the payload at which it was noticed; null where no single byte is to blame. */
	readonly offset: number | null;

	constructor(
		code: KvsErrorCode,
		message: string,
		{ offset = null, cause }: { offset?: number | null; cause?: unknown } = {},
	) {
		super(code, message, { cause });
		this.offset = offset;
	}
}

/** One fragment failed or is missing, and `strict` ends the run with it. Code `KVS_FRAGMENT_FAILED`. */
export class FragmentError extends ArchiveError {
	override name = 'FragmentError' as const;
	readonly fragmentNumber: string | null;

	constructor(fragmentNumber: string | null, message: string, retryable: boolean) {
		super('KVS_FRAGMENT_FAILED', message, { retryable });
		this.fragmentNumber = fragmentNumber;
	}
}

/**
 * The target of an export cannot take it.
 *
 * Codes: `KVS_SINK_FAILED` (the file could not be written), `KVS_STORAGE_FAILED` (a request to S3 failed), `KVS_EMPTY_RANGE` (nothing to write),
 * `KVS_TRACKS_CHANGED` (the tracks changed within the range and one file cannot hold that), `KVS_CODEC_NOT_SUPPORTED` (the
 * container cannot hold a track), `KVS_GAP_TOO_LONG` (a file would get more than an hour of silence at once),
 * `KVS_NO_SUCH_TRACK`; of a finished export `KVS_MANIFEST_MISSING`, `KVS_MANIFEST_INVALID`, `KVS_EXPORT_DAMAGED`.
 */
export class SinkError extends ArchiveError {
	override name = 'SinkError' as const;
	/** The file that was to be written. */
	readonly target: string;

	constructor(code: KvsErrorCode, target: string, message: string, cause?: unknown, retryable = false) {
		super(code, message, { cause, retryable });
		this.target = target;
	}
}

/** Characters of a text that a message shows. */
const MAX_SHOWN_CHARACTERS = 512;

function shortened(text: string): string {
	return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

function show(value: unknown): string {
	if (typeof value === 'string') return `\`${shortened(value)}\``;
	if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
	if (value === undefined) return 'nothing';
	if (value === null || typeof value === 'number' || typeof value === 'boolean') {
		return `\`${String(value)}\``;
	}
	if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
	return `a ${typeof value}`;
}
