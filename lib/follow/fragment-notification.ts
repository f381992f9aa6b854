import { InvalidOptionError } from '../errors.js';

/** What the service says with Amazon SNS when a fragment that a producer has marked can be read. */
export interface FragmentNotification {
	readonly streamArn: string;
	readonly fragmentNumber: string;
	/** Start of the fragment on either clock. */
	readonly producerTimestamp: Date;
	readonly serverTimestamp: Date;
	/** `PERSISTED`. */
	readonly notificationType: string;
	/** The tags that the producer gave with it. */
	readonly payload: Readonly<Record<string, string>>;
}

/** Envelopes in one another: a message of SNS in a message of SQS in a record of Lambda. */
const MAX_ENVELOPES = 4;

/**
 * Reads a notification ("Amazon SNS messages" of the developer guide): the message itself, or as SNS wraps it (`Message`), SQS
 * delivers it (`Body`) or Lambda gets it (one of `Records`' entries: `body`, or `Sns`); as text or parsed. Throws
 * `InvalidOptionError` for anything else.
 */
export function parseFragmentNotification(message: string | object): FragmentNotification {
	let inner: unknown = message;
	for (let depth = 0; depth <= MAX_ENVELOPES; depth++) {
		const fields = parsed(inner);
		if (fields === null) break;
		if ('FragmentNumber' in fields) return readNotification(fields, message);
		inner = fields['Message'] ?? fields['Body'] ?? fields['body'] ?? fields['Sns'];
	}
	throw invalid(message);
}

function parsed(value: unknown): Readonly<Record<string, unknown>> | null {
	if (typeof value === 'object') return value as Record<string, unknown> | null;
	if (typeof value !== 'string') return null;
	try {
		return parsed(JSON.parse(value) as object);
	} catch {
		return null;
	}
}

function readNotification(
	fields: Readonly<Record<string, unknown>>,
	message: string | object,
): FragmentNotification {
	const { StreamArn, FragmentNumber, NotificationType, NotificationPayload } = fields;
	const producerTimestamp = readTime(fields['FragmentStartProducerTimestamp']);
	const serverTimestamp = readTime(fields['FragmentStartServerTimestamp']);
	const isWhole =
		typeof StreamArn === 'string' &&
		typeof FragmentNumber === 'string' &&
		/^\d{1,128}$/.test(FragmentNumber) &&
		producerTimestamp !== null &&
		serverTimestamp !== null;
	if (!isWhole) throw invalid(message);
	const payload = parsed(NotificationPayload) ?? {};
	return {
		streamArn: StreamArn,
		fragmentNumber: FragmentNumber,
		producerTimestamp,
		serverTimestamp,
		notificationType: typeof NotificationType === 'string' ? NotificationType : 'PERSISTED',
		payload: Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, String(value)])),
	};
}

/** Epoch milliseconds of these days have thirteen digits, epoch seconds ten; the guide shows neither. */
function readTime(value: unknown): Date | null {
	const number = typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : Number.NaN;
	if (!(number > 0)) return null;
	const date = new Date(number < 1e11 ? number * 1000 : number);
	return Number.isNaN(date.getTime()) ? null : date;
}

function invalid(message: string | object): InvalidOptionError {
	return new InvalidOptionError(
		'message',
		'a notification of Kinesis Video Streams about a fragment',
		message,
	);
}
