import type { IncomingHttpHeaders } from 'node:http';
import { RequestFields } from '../wire/request-fields.js';
import { invalidArgument } from '../wire/service-error.js';

/** What a producer says in the headers of PutMedia, besides the stream. */
export interface PutMediaHeaders {
	/** The headers that name the stream, as members of a request. */
	readonly stream: RequestFields;
	/** Start on the producer's clock that is added to timecodes (RELATIVE), epoch milliseconds; null where they are absolute. */
	readonly producerStartMs: number | null;
	/** Whether it wants acknowledgements. */
	readonly isAcknowledged: boolean;
}

const TIMECODE_TYPES = ['ABSOLUTE', 'RELATIVE'] as const;

/** Producers that write the milliseconds of a time without zeros in front: `.93` is 93 ms (C and C++ producer SDK). */
const UNPADDED_MILLISECONDS = /AWS-PRODUCER-SDK-KVS\/|CPPSDK/;

/** Reads the headers of PutMedia. Throws `InvalidArgumentException`, naming the header. */
export function readPutMediaHeaders(headers: IncomingHttpHeaders): PutMediaHeaders {
	const text = (name: string): string | undefined => headers[name]?.toString();
	const name = text('x-amzn-stream-name');
	const arn = text('x-amzn-stream-arn');
	if (name !== undefined && arn !== undefined) {
		throw invalidArgument('expected x-amzn-stream-name or x-amzn-stream-arn, got both');
	}
	const type = text('x-amzn-fragment-timecode-type');
	const timecodes = TIMECODE_TYPES.find((known) => known === type);
	if (timecodes === undefined) {
		throw invalidArgument(
			`expected x-amzn-fragment-timecode-type to be one of ${TIMECODE_TYPES.join(', ')}, got ${type ?? 'nothing'}`,
		);
	}
	const start = text('x-amzn-producer-start-timestamp');
	const startMs = start === undefined ? null : readStartMs(start, headers['user-agent'] ?? '');
	if (timecodes === 'RELATIVE' && startMs === null) {
		throw invalidArgument('expected x-amzn-producer-start-timestamp with RELATIVE timecodes, got nothing');
	}
	const required = text('x-amzn-fragment-acknowledgment-required') ?? '1';
	return {
		stream: new RequestFields({
			...(name !== undefined && { StreamName: name }),
			...(arn !== undefined && { StreamARN: arn }),
		}),
		producerStartMs: timecodes === 'RELATIVE' ? startMs : null,
		isAcknowledged: required !== '0' && required.toLowerCase() !== 'false',
	};
}

/** Decimal epoch seconds or ISO 8601, as producers were seen to write it, in milliseconds. */
function readStartMs(text: string, userAgent: string): number {
	const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,12}))?$/.exec(text) ?? [];
	if (seconds !== undefined) {
		const isUnpadded = fraction.length < 3 && UNPADDED_MILLISECONDS.test(userAgent);
		return isUnpadded
			? Number(seconds) * 1000 + Number(fraction)
			: Math.round(Number(`${seconds}.${fraction || '0'}`) * 1000);
	}
	const timeMs = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
	if (Number.isFinite(timeMs)) return timeMs;
	throw invalidArgument(
		`expected x-amzn-producer-start-timestamp to be epoch seconds or ISO 8601, got ${JSON.stringify(text.slice(0, 40))}`,
	);
}
