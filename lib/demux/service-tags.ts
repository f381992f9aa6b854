import { IN_BAND_NAMES } from '../model/failure-name.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import type { Tag } from '../model/tag.js';

/** What the service says about a fragment, in the tags it adds. */
export interface ServiceTags {
	readonly fragmentNumber: string | null;
	readonly serverTimestampMs: number | null;
	readonly producerTimestampMs: number | null;
	/** Whether the token with which another GetMedia goes on after the fragment has come: the last tag of a chunk. */
	readonly hasContinuationToken: boolean;
	/** The in-band exception, where there is one. */
	readonly exception: {
		readonly code: number | null;
		readonly name: string;
		readonly message: string;
		/** Whether a retry may help. */
		readonly retryable: boolean;
	} | null;
}

/** What a tag of the service says. */
type Meaning = 'number' | 'server time' | 'producer time' | 'token' | 'error' | 'message';

/** By its name. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
	['AWS_KINESISVIDEO_FRAGMENT_NUMBER', 'number'],
	['AWS_KINESISVIDEO_SERVER_TIMESTAMP', 'server time'],
	['AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP', 'server time'],
	['AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', 'producer time'],
	['AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP', 'producer time'],
	['AWS_KINESISVIDEO_CONTINUATION_TOKEN', 'token'],
	// The names are a trap: ERROR_CODE is a word, ERROR_ID and EXCEPTION_ERROR_CODE are numbers.
	['AWS_KINESISVIDEO_ERROR_ID', 'error'],
	['AWS_KINESISVIDEO_ERROR_CODE', 'error'],
	['AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE', 'error'],
	['AWS_KINESISVIDEO_EXCEPTION_MESSAGE', 'message'],
]);

/** Digits of a fragment's number. */
const MAX_NUMBER_DIGITS = 128;

/** Names that are retryable where no number came with them. */
const retryableNames: ReadonlySet<string> = new Set([
	'FRAGMENT_NOT_FOUND',
	'STREAM_WRITE_ERROR',
	'KMS_KEY_UNAVAILABLE',
	'INTERNAL_ERROR',
]);

/** Whether a retry may help: not found yet, a broken connection, a key or a service that is unreachable for a while. */
export function isRetryableCode(code: number | null): boolean {
	return code !== null && (code === 3000 || code === 3002 || code === 4000 || code === 4503 || code >= 5000);
}

/**
 * Collects what the service says out of the tags of one document, as they come. Both spellings are known: the times with
 * and without `SIDE_`, the errors as GetMedia writes them (ERROR_ID, ERROR_CODE) and as GetMediaForFragmentList documents
 * them (EXCEPTION_ERROR_CODE, EXCEPTION_MESSAGE).
 */
export class ServiceTagReader implements ServiceTags {
	fragmentNumber: string | null = null;
	serverTimestampMs: number | null = null;
	producerTimestampMs: number | null = null;
	hasContinuationToken = false;
	#hasException = false;
	#code: number | null = null;
	#name: string | null = null;
	#message: string | null = null;
	#fault: string | null = null;

	/**
	 * Takes tags that come after those before. Returns what is wrong with them, null where nothing is: a time that no Date
	 * holds, or a second fragment's number, which only an exception may carry. A number that is wrong is not taken.
	 */
	add(tags: readonly Tag[]): string | null {
		const { fragmentNumber } = this;
		this.#fault = null;
		for (const { name, value } of tags) {
			const meaning = meanings.get(name);
			if (meaning !== undefined && typeof value === 'string') this.#addTag(meaning, name, value.trim());
		}
		if (fragmentNumber !== null && this.fragmentNumber !== fragmentNumber && !this.#hasException) {
			this.#fault ??= `fragment ${this.fragmentNumber} begins inside the document of fragment ${fragmentNumber}`;
			this.fragmentNumber = fragmentNumber;
		}
		return this.#fault;
	}

	get exception(): ServiceTags['exception'] {
		if (!this.#hasException) return null;
		const code = this.#code;
		const name = this.#name ?? (code === null ? null : IN_BAND_NAMES[code]) ?? 'EXCEPTION';
		const message = this.#message ?? `the service responded with ${name}${code === null ? '' : ` (${code})`}`;
		return {
			code,
			name,
			message,
			retryable: code === null ? retryableNames.has(name) : isRetryableCode(code),
		};
	}

	#addTag(meaning: Meaning, name: string, value: string): void {
		switch (meaning) {
			case 'number':
				if (value.length <= MAX_NUMBER_DIGITS && /^[0-9]+$/.test(value)) this.fragmentNumber = value;
				break;
			case 'server time':
				this.serverTimestampMs = this.#readTime(name, value);
				break;
			case 'producer time':
				this.producerTimestampMs = this.#readTime(name, value);
				break;
			case 'token':
				this.hasContinuationToken = true;
				break;
			case 'error':
				this.#hasException = true;
				if (/^[0-9]{1,9}$/.test(value)) this.#code = Number(value);
				else this.#name = value;
				break;
			case 'message':
				this.#hasException = true;
				this.#message = value;
				break;
		}
	}

	#readTime(name: string, value: string): number | null {
		const ms = readSecondsAsMs(value);
		if (ms === null || ms <= MAX_TIME_MS) return ms;
		this.#fault ??= `${name} is ${value.slice(0, MAX_SHOWN_DIGITS)} seconds, which is not a valid time`;
		return null;
	}
}

/** Digits of a time that a message shows. */
const MAX_SHOWN_DIGITS = 40;

/** Decimal seconds as milliseconds, without the error that a product of doubles brings. */
function readSecondsAsMs(text: string): number | null {
	if (!/^[0-9]+(?:\.[0-9]+)?$/.test(text)) return null;
	const dot = text.indexOf('.');
	if (dot < 0) return Number(text) * 1000;
	const fraction = text.slice(dot + 1).padEnd(3, '0');
	const finer = fraction.length > 3 ? Number(`0.${fraction.slice(3, 12)}`) : 0;
	return Number(text.slice(0, dot)) * 1000 + Number(fraction.slice(0, 3)) + finer;
}
