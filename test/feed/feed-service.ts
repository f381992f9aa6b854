import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from 'ava';
import type { Clock } from 'kvs-archive';
import { PutMediaError } from '#lib/server/put-media/put-media-error.js';
import { PutMediaReader } from '#lib/server/put-media/put-media-reader.js';
import { accept, ackLine, type PutService, startPutService } from '../put/put-service.js';

/** A fragment that came whole, and how its connection can be gone on with. */
export interface Arrival {
	/** Counts connections from 0. */
	readonly connection: number;
	/** Counts the fragments of this connection from 0. */
	readonly index: number;
	readonly timecode: number;
	readonly tags: readonly string[];
	/** Acknowledges it. */
	readonly ack: (eventType: string, more?: Readonly<Record<string, unknown>>) => void;
	/** Ends the response. */
	readonly end: () => void;
	/** Breaks the connection off. */
	readonly cut: () => void;
}

/** A service that reads what is put into it by the service's rules, and does with each fragment what a test says. */
export interface FeedService extends PutService {
	/** The fragments that came whole, in order, those of all connections. */
	readonly arrivals: readonly Arrival[];
	/** What of the bodies broke a rule. */
	readonly errors: readonly PutMediaError[];
}

/** Starts one; stops when the test is over. The response ends with the body. */
export async function startFeedService(
	t: ExecutionContext,
	onArrival: (arrival: Arrival) => void,
	{
		statusOf = () => 200,
		...options
	}: {
		readonly retentionHours?: number;
		/** What a connection is refused with; null to break it off. */
		readonly statusOf?: (connection: number) => number | null;
	} = {},
): Promise<FeedService> {
	const arrivals: Arrival[] = [];
	const errors: PutMediaError[] = [];
	const service = await startPutService(
		t,
		(request, response, connection) => {
			const status = statusOf(connection);
			if (status === null) request.destroy();
			if (status !== 200) {
				response.writeHead(status ?? 500);
				response.end();
				return;
			}
			let index = 0;
			accept(response);
			const reader = new PutMediaReader(
				{
					header() {},
					fragmentStart() {},
					bytes() {},
					fragmentDropped() {},
					fragmentEnd: ({ timecodeTicks, tags }) => {
						const timecode = Number(timecodeTicks);
						const arrival: Arrival = {
							connection,
							index: index++,
							timecode,
							tags: tags.map(({ name, value }) => `${name}=${String(value)}`),
							ack: (eventType, more) => write(response, ackLine(eventType, timecode, more)),
							end: () => response.end(),
							// What was acknowledged is sent before.
							cut: () => setImmediate(() => request.destroy()),
						};
						arrivals.push(arrival);
						onArrival(arrival);
					},
				},
				{ producerStartMs: null },
			);
			const judge = (step: () => void): void => {
				try {
					step();
				} catch (error) {
					if (error instanceof PutMediaError) errors.push(error);
					else throw error;
				}
			};
			request.on('data', (chunk: Buffer) => judge(() => reader.write(chunk)));
			request.on('end', () => {
				judge(() => reader.end());
				response.end();
			});
		},
		options,
	);
	return { ...service, arrivals, errors };
}

function write(response: ServerResponse, text: string): void {
	if (!response.writableEnded && !response.destroyed) response.write(text);
}

/** A clock on which waits take no time and time goes on by as much; time limits are never reached. */
export class FlyingClock implements Clock {
	#nowMs = Date.UTC(2026, 0, 31);

	now(): number {
		return this.#nowMs;
	}

	async sleep(
		ms: number,
		{ signal, isBackground = false }: { signal?: AbortSignal | undefined; isBackground?: boolean } = {},
	): Promise<void> {
		signal?.throwIfAborted();
		if (!isBackground) {
			this.#nowMs += ms;
			return;
		}
		await new Promise((_, reject) => {
			signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
		});
	}
}
