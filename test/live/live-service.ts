import { createServer, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { StartSelector } from '@aws-sdk/client-kinesis-video-media';
import type { ExecutionContext } from 'ava';
import { fragmentDocument, fragmentNumber, frameBlock, serviceTags } from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { listen } from '../helpers/service/listen.js';

/** A StartSelector as it is sent. */
export type SentSelector = Omit<StartSelector, 'StartTimestamp'> & { readonly StartTimestamp?: number };

/** What the service does with one GetMedia; `nth` counts them from 0. */
export type LiveBehaviour = (
	selector: SentSelector,
	response: ServerResponse,
	nth: number,
) => void | Promise<void>;

/** A service that does with GetMedia what a test says. */
export interface LiveService {
	readonly endpoint: string;
	/** Where each GetMedia was to begin. */
	readonly selectors: readonly SentSelector[];
	/** How many responses to GetMedia are open. */
	open(): number;
	/** How many connections there are. */
	connections(): Promise<number>;
}

/** Starts one; stops when the test is over. */
export async function startLiveService(t: ExecutionContext, behaviour: LiveBehaviour): Promise<LiveService> {
	const selectors: SentSelector[] = [];
	let open = 0;
	const server = createServer((request, response) => {
		request.on('error', () => {});
		response.on('error', () => {});
		if (request.url !== '/getMedia') {
			request.resume();
			response.end(JSON.stringify({ DataEndpoint: endpoint }));
			return;
		}
		open++;
		response.once('close', () => open--);
		json(request)
			.then((body) => {
				const { StartSelector: selector } = body as { StartSelector: SentSelector };
				selectors.push(selector);
				return behaviour(selector, response, selectors.length - 1);
			})
			.catch(() => response.destroy());
	});
	const endpoint = await listen(t, server);
	return {
		endpoint,
		selectors,
		open: () => open,
		connections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count))),
	};
}

/** How many frames a {@link chunk} has. */
export const FRAMES = 4;

/** Fragment `index` as GetMedia sends it, the first being 1, with the service's tags after its Cluster. */
export function chunk(index: number): Buffer {
	return Buffer.concat([fragmentPart(index), ...endTags(index)]);
}

/** The same without the tags after its Cluster. */
export function fragmentPart(index: number): Buffer {
	return fragmentDocument({
		number: fragmentNumber(index),
		producerMs: startMs + index * 2000,
		blocks: Array.from({ length: FRAMES }, (_, nth) =>
			frameBlock(index * 100 + nth, { keyframe: nth === 0, relativeTicks: nth * 500 }),
		),
	});
}

/** The tags that the service sends last of a fragment. */
export function endTags(index: number): Uint8Array[] {
	return serviceTags({ MILLIS_BEHIND_NOW: '0', CONTINUATION_TOKEN: fragmentNumber(index) });
}

/** The index of the fragment that a service with fragments from 1 on begins with. */
export function firstIndex({ AfterFragmentNumber, StartTimestamp }: SentSelector): number {
	if (AfterFragmentNumber !== undefined) return Number(AfterFragmentNumber.slice(-10)) + 1;
	if (StartTimestamp === undefined) return 1;
	// With the one that holds the time: each begins a second after its producer time, and lasts until the next.
	return Math.max(1, Math.floor((StartTimestamp * 1000 - startMs - 1000) / 2000));
}

/** Takes a request. */
export function accept(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
	response.writeHead(200, { 'content-type': 'video/webm', ...headers });
	response.flushHeaders();
}

/** The chunks from a place on, up to fragment `last`. */
export function chunksFrom(first: number, last: number): Buffer {
	return Buffer.concat(Array.from({ length: Math.max(0, last + 1 - first) }, (_, nth) => chunk(first + nth)));
}

/** The service gives all that there is, and keeps the response open. */
export function give(response: ServerResponse, selector: SentSelector, last: number): void {
	accept(response);
	response.write(chunksFrom(firstIndex(selector), last));
}

/** Writes bytes, and breaks the connection once they are sent. */
export function breakAfter(response: ServerResponse, bytes: Uint8Array): void {
	response.write(bytes, () => response.socket?.destroy());
}

/** Refuses a request as the service does. */
export function refuse(response: ServerResponse, statusCode: number, awsName: string): void {
	response.writeHead(statusCode, { 'content-type': 'application/json', 'x-amzn-errortype': awsName });
	response.end(JSON.stringify({ Message: 'because of a test' }));
}
