import { createServer, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ExecutionContext } from 'ava';
import { elementHeader, master, type Slices, string, unsigned } from '#lib/ebml/ebml-writer.js';
import { block, ebmlHeader, info } from '#lib/mkv/matroska-writer.js';
import { fragmentDocument, fragmentNumber, frameBlock, serviceTags, videoTrack } from '../media/payload.js';
import { startMs } from '../media/range.js';
import type { StandstillClock } from '../standstill-clock.js';
import { listen } from './listen.js';
import { KEEP_ALIVE_MS } from './meddler.js';

/** One request, and what the response may be made with. */
export interface Exchange {
	readonly response: ServerResponse;
	/** Members of the request. */
	readonly members: Readonly<Record<string, unknown>>;
	/** Counts the requests of this operation from 0. */
	readonly nth: number;
	/** The client's time. */
	readonly clock: StandstillClock;
}

/** What the service does at an operation. */
export type Behaviour = (exchange: Exchange) => void;

/** Behaviours by operation; where none is given, the service does what it should. */
export interface Behaviours {
	readonly getDataEndpoint?: Behaviour;
	readonly listFragments?: Behaviour;
	readonly getMediaForFragmentList?: Behaviour;
	readonly getHLSStreamingSessionURL?: Behaviour;
	readonly getImages?: Behaviour;
}

/** A service that does what a test says. */
export interface HostileService {
	readonly endpoint: string;
	/** Requests so far, all operations. */
	readonly requests: () => number;
	/** Bytes of bodies that went out. */
	readonly sentBytes: () => number;
}

/** Starts a service of three fragments of two seconds with the given behaviours. Stops when the test is over. */
export async function startHostileService(
	t: ExecutionContext,
	behaviours: Behaviours,
	clock: StandstillClock,
): Promise<HostileService> {
	const counts = new Map<string, number>();
	let requests = 0;
	let sentBytes = 0;
	const usual: Required<Behaviours> = {
		getDataEndpoint: ({ response }) => sendJson(response, { DataEndpoint: endpoint }),
		listFragments: ({ response }) =>
			sendJson(response, { Fragments: [0, 1, 2].map((index) => listed(index)) }),
		getMediaForFragmentList: ({ response, members }) => {
			const { Fragments: numbers } = members as { Fragments: string[] };
			response.end(Buffer.concat(numbers.map((number) => documentOf(Number(number.slice(-6)) - 1))));
		},
		getHLSStreamingSessionURL: ({ response }) =>
			sendJson(response, { HLSStreamingSessionURL: `${endpoint}/hls` }),
		getImages: ({ response }) => sendJson(response, { Images: [] }),
	};
	const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
		const name = (request.url ?? '').slice(1) as keyof Behaviours;
		const nth = counts.get(name) ?? 0;
		counts.set(name, nth + 1);
		requests++;
		const { socket } = response;
		const before = socket?.bytesWritten ?? 0;
		response.once('close', () => {
			sentBytes += (socket?.bytesWritten ?? 0) - before;
		});
		json(request).then(
			(members) =>
				(behaviours[name] ?? usual[name])({ response, members: members as Exchange['members'], nth, clock }),
			() => response.destroy(),
		);
	});
	const endpoint = await listen(t, server);
	return { endpoint, requests: () => requests, sentBytes: () => sentBytes };
}

/** Sends a body of JSON, given as a value or as it is. */
export function sendJson(response: ServerResponse, body: object | string, status = 200): void {
	response.writeHead(status, { 'content-type': 'application/json' });
	response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A body that ends only with its connection: `head` once, then what `next` gives, as fast as it is taken. */
export function sendEndless(response: ServerResponse, head: Uint8Array, next: () => Uint8Array): void {
	const chunks = function* (): Generator<Uint8Array> {
		yield head;
		for (;;) yield next();
	};
	// It fails when the client has gone.
	pipeline(Readable.from(chunks()), response).catch(() => {});
}

/** A body that comes by a byte a second of the client's time, for ever. */
export function sendByteByByte(response: ServerResponse, clock: StandstillClock): void {
	const step = (): void => {
		if (response.destroyed) return;
		response.write(' ');
		clock.advance(1000);
		setImmediate(step);
	};
	step();
}

/** How the service lists fragment `index`. */
export function listed(index: number, members: object = {}): object {
	const seconds = startMs / 1000 + index * 2;
	return {
		FragmentNumber: fragmentNumber(index + 1),
		FragmentSizeInBytes: documentOf(index).byteLength,
		ProducerTimestamp: seconds,
		ServerTimestamp: seconds,
		FragmentLengthInMilliseconds: 1960,
		...members,
	};
}

/** The media of fragment `index`. */
export function documentOf(index: number): Buffer {
	const producerMs = startMs + index * 2000;
	return fragmentDocument({ number: fragmentNumber(index + 1), producerMs, serverMs: producerMs });
}

/** The media of the first fragment up to its first block; its elements have no end. */
export function endlessHead(): Buffer {
	const seconds = (startMs / 1000).toFixed(3);
	return Buffer.concat([
		...ebmlHeader(),
		elementHeader('Segment', 0, { isSizeUnknown: true }),
		...info(1_000_000),
		...master('Tracks', [videoTrack]),
		...serviceTags({
			FRAGMENT_NUMBER: fragmentNumber(1),
			SERVER_TIMESTAMP: seconds,
			PRODUCER_TIMESTAMP: seconds,
		}),
		elementHeader('Cluster', 0, { isSizeUnknown: true }),
		...unsigned('Timecode', 0),
	]);
}

/** A thousand frames, or a thousand tags, as often as wanted. */
export const thousandFrames = thousand(block(frameBlock(1)));
export const thousandTags = thousand(
	master('Tags', [master('Tag', [master('SimpleTag', [string('TagName', 'A'), string('TagString', 'B')])])]),
);

function thousand(slices: Slices): Buffer {
	const one = Buffer.concat(slices);
	return Buffer.alloc(one.byteLength * 1000, one);
}
