import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import { listen } from '../helpers/service/listen.js';

/** What the service does with one PutMedia; `nth` counts them from 0. */
export type PutBehaviour = (
	request: IncomingMessage,
	response: ServerResponse,
	nth: number,
) => void | Promise<void>;

/** A service that does with PutMedia what a test says. */
export interface PutService {
	readonly endpoint: string;
	/** Paths of the requests so far. */
	readonly paths: readonly string[];
	/** Resolves when so many connections of PutMedia have been closed. */
	closed(count: number): Promise<void>;
}

/** Starts one, whose stream keeps media for so long; stops when the test is over. */
export async function startPutService(
	t: ExecutionContext,
	behaviour: PutBehaviour,
	{ retentionHours = 24 } = {},
): Promise<PutService> {
	const paths: string[] = [];
	let puts = 0;
	let closedPuts = 0;
	let onClosed = (): void => {};
	const server = createServer((request, response) => {
		paths.push(request.url ?? '');
		if (request.url !== '/putMedia') {
			request.resume();
			const StreamInfo = { Status: 'ACTIVE', DataRetentionInHours: retentionHours };
			const isQuestion = request.url === '/describeStream';
			response.end(JSON.stringify(isQuestion ? { StreamInfo } : { DataEndpoint: endpoint }));
			return;
		}
		request.on('error', () => {});
		response.on('error', () => {});
		request.socket.once('close', () => {
			closedPuts++;
			onClosed();
		});
		Promise.resolve(behaviour(request, response, puts++)).catch(() => response.destroy());
	});
	const endpoint = await listen(t, server);
	return {
		endpoint,
		paths,
		closed: (count) =>
			new Promise((resolve) => {
				onClosed = () => {
					if (closedPuts >= count) resolve();
				};
				onClosed();
			}),
	};
}

/** Takes a request. */
export function accept(response: ServerResponse): void {
	response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
	response.flushHeaders();
}

/** One acknowledgement as the service writes it. */
export function ackLine(
	eventType: string,
	timecode: number,
	more: Readonly<Record<string, unknown>> = {},
): string {
	const number = timecode < 0 ? '' : String(10n ** 46n + BigInt(timecode));
	return `${JSON.stringify({ EventType: eventType, FragmentTimecode: timecode, FragmentNumber: number, ...more })}\n`;
}
