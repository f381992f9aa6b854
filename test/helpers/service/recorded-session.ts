import { readFile } from 'node:fs/promises';
import { sample } from '../needs.js';
import type { ReceivedAck } from './producer.js';

/** What the AWS producers really sent and got, as a logging server wrote it down; each a `.log` and the body of PutMedia. */
export const recordedSessions = [
	'c-offline-relative-av-tags',
	'c-sample-realtime-tags-eofr',
	'kvssink-avc-aac-bframes',
	'kvssink-avc-alaw',
] as const;

/** One of {@link recordedSessions}. */
export type RecordedName = (typeof recordedSessions)[number];

/** A request of a log. */
export interface RecordedRequest {
	/** As they were sent, but for the signature. */
	readonly lines: readonly string[];
	readonly headers: Readonly<Record<string, string>>;
	readonly signedHeaders: readonly string[];
	/** Its JSON; empty for PutMedia. */
	readonly body: string;
}

/** A producer's session. */
export interface RecordedSession {
	readonly requests: readonly RecordedRequest[];
	/** In the order of the log. */
	readonly acks: readonly ReceivedAck[];
	/** Blocks of each fragment. */
	readonly blocks: readonly number[];
	/** The body of PutMedia in its HTTP chunks: those that the log has the sizes of, then the rest in as many as there were. */
	readonly chunks: readonly Uint8Array[];
}

/** Reads a session of the samples. For tests that are declared to need `putmedia/NAME.mkv`. */
export async function readRecordedSession(name: RecordedName): Promise<RecordedSession> {
	const log = await readFile(sample(`putmedia/${name}.log`), 'utf8');
	const body = await readFile(sample(`putmedia/${name}.mkv`));
	return {
		requests: log.split('] HEAD\n').slice(1).map(readRequest),
		acks: [...log.matchAll(/ ACK (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json)),
		blocks: [...log.matchAll(/ FRAG \d+ .*blocks=(\d+)$/gm)].map(([, blocks]) => Number(blocks)),
		chunks: [...chunksOf(body, log)],
	};
}

function readRequest(text: string): RecordedRequest {
	const [head = '', rest = ''] = text.split('<CRLF>\n<CRLF>\n');
	const lines = head.split('<CRLF>\n');
	const headers = Object.fromEntries(
		lines.slice(1).map((line) => {
			const [, field = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? [];
			return [field.toLowerCase(), value];
		}),
	);
	const [, signedHeaders = ''] = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '') ?? [];
	const [, body] = /BODY (".*")\n/.exec(rest) ?? [];
	const isMedia = headers['transfer-encoding'] !== undefined;
	return {
		lines: lines.filter((line) => !line.startsWith('Authorization: ')),
		headers,
		signedHeaders: signedHeaders.split(';'),
		body: isMedia ? '' : JSON.parse(body ?? '""'),
	};
}

function* chunksOf(body: Uint8Array, log: string): Generator<Uint8Array> {
	const sizes = [...log.matchAll(/ chunk #\d+ size (\d+)$/gm)].map(([, size]) => Number(size));
	const [, count] = /BODY END \d+ bytes, ([1-9]\d*) chunks$/m.exec(log) ?? [];
	let start = 0;
	for (const size of sizes.slice(0, -1)) {
		yield body.subarray(start, start + size);
		start += size;
	}
	// The last chunk of a body is empty.
	const rest = Number(count) - sizes.length;
	const step = Math.ceil((body.byteLength - start) / rest);
	for (; start < body.byteLength; start += step) yield body.subarray(start, start + step);
}
