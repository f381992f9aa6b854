import type { ExecutionContext } from 'ava';
import type { ArchiveServerOptions } from '#lib/server/index.js';
import { Producer } from '../helpers/service/producer.js';
import { type StartedServer, startServer } from '../helpers/service/start-server.js';
import { clusterOf, frame, header, UNSIZED } from './put-media/body.js';
import { SteppedClock } from './stepped-clock.js';

/** A server with a stream `cam` into which a test puts fragments. */
export interface GrowingStream extends StartedServer {
	/** Numbers of the fragments that are stored, in order. */
	readonly numbers: readonly string[];
	/** Begins the next fragment, so that the one before it is whole; returns the number of that one. */
	readonly put: () => Promise<string>;
	/** Server time of second 0, epoch milliseconds. */
	readonly base: number;
	readonly producer: Producer;
	/** What the server waits by. */
	readonly clock: SteppedClock;
	/** Sets the server's clock, until the next fragment. */
	readonly setNow: (ms: number) => void;
}

/** Starts a server with an empty stream `cam`. */
export async function startWithStream(
	t: ExecutionContext,
	options: ArchiveServerOptions = {},
): Promise<StartedServer> {
	const started = await startServer(t, options);
	await started.server.archive.ready;
	await started.server.archive.createStream({ name: 'cam' });
	return started;
}

/**
 * Starts a server with so many fragments, whose clock goes on by a second with each: the one of second n has two frames half a
 * second apart, the producer time n and the server time base + n. The one after them has begun.
 */
export async function startWithFragments(t: ExecutionContext, count: number): Promise<GrowingStream> {
	const base = Date.UTC(2026, 0, 31);
	let nowMs = base;
	const clock = new SteppedClock();
	const started = await startWithStream(t, { now: () => nowMs, clock });
	const producer = await Producer.open(started.url, { stream: 'cam' });
	await producer.send(header());
	let sent = 0;
	const put = async (): Promise<string> => {
		const second = ++sent;
		nowMs = base + second * 1000;
		await producer.send(clusterOf(second * 1000, [frame(0), frame(500)], UNSIZED));
		// The fragment before this one is whole now.
		const { FragmentNumber } = await producer.ack(
			({ EventType, FragmentTimecode }) =>
				EventType === (second === 1 ? 'BUFFERING' : 'PERSISTED') &&
				FragmentTimecode === (second === 1 ? 1000 : (second - 1) * 1000),
		);
		return FragmentNumber as string;
	};
	const numbers: string[] = [];
	for (let index = 0; index <= count; index++) {
		const number = await put();
		if (index > 0) numbers.push(number);
	}
	return { ...started, numbers, put, base, producer, clock, setNow: (ms: number) => (nowMs = ms) };
}
