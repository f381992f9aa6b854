/* A run whose reader is slow at first, and how much of the media waited for it. Shared by the tests and the soak. */
import { once } from 'node:events';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { pipeline as pipelinePromise } from 'node:stream/promises';
import {
	ArchiveClient,
	type CallOptions,
	type Clock,
	Demuxer,
	FragmentBatcher,
	FragmentFailureEvent,
	FragmentSource,
	Frame,
	type MediaEvent,
	MediaFetcher,
} from 'kvs-archive';
import { createArchiveServer } from 'kvs-archive/server';
import { unlimited } from '../helpers/service/unlimited.js';
import type { Recorded } from './fault-run.js';

const KIB = 1024;

/** How many frames are read slowly. */
export const SLOW_FRAMES = 60;

/** What may wait by the budget that is set, and with what is beside it: 256 KiB of each body, and chunks on their way. */
export const SLOW_BUDGET_BYTES = 512 * KIB;
export const SLOW_LIMIT_BYTES = SLOW_BUDGET_BYTES + 5 * (256 + 2 * 64) * KIB + 256 * KIB;

/** How a {@link slowRun} is read. */
export interface SlowReader {
	readonly clock: Clock;
	/** Waited for after each of the first `slowFrames` frames. */
	readonly pause: () => Promise<void>;
	readonly slowFrames: number;
	readonly maxBufferedBytes: number;
	/** Fragments of a call. */
	readonly batchFragments: number;
	readonly maxHoldMs?: number;
}

/** What came of it. */
export interface SlowRun {
	readonly frames: readonly Frame[];
	readonly failures: number;
	readonly calls: number;
	/** The most that had come off the connections and was in no frame that was read, in bytes. */
	readonly mostWaitingBytes: number;
}

/** Tells of every byte that comes off a connection. */
class CountingClient extends ArchiveClient {
	readonly #onBytes: (bytes: number) => void;

	constructor(endpoint: string, onBytes: (bytes: number) => void) {
		super({ streamName: 'camera', endpoint });
		this.#onBytes = onBytes;
	}

	override async getMediaForFragmentList(
		fragmentNumbers: readonly string[],
		options?: CallOptions,
	): Promise<Readable> {
		const body = await super.getMediaForFragmentList(fragmentNumbers, options);
		const counted = new PassThrough({
			transform: (chunk: Uint8Array, _encoding, callback) => {
				this.#onBytes(chunk.byteLength);
				callback(null, chunk);
			},
		});
		// How it ends, its reader sees.
		pipeline(body, counted, () => {});
		return counted;
	}
}

/** Reads the whole recording. */
export async function slowRun({ dataDirectory, range }: Recorded, reader: SlowReader): Promise<SlowRun> {
	const { clock, pause, slowFrames, maxBufferedBytes, batchFragments, maxHoldMs } = reader;
	const frames: Frame[] = [];
	let failures = 0;
	let calls = 0;
	let waitingBytes = 0;
	let mostWaitingBytes = 0;
	const server = createArchiveServer({ dataDirectory });
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { endpoint } = server;
	const client = new CountingClient(endpoint, (bytes) => {
		waitingBytes += bytes;
		mostWaitingBytes = Math.max(mostWaitingBytes, waitingBytes);
	});
	const shared = { client, limiter: unlimited, clock };
	try {
		await pipelinePromise(
			new FragmentSource({ ...shared, range }),
			new FragmentBatcher({ maxFragments: batchFragments }),
			new MediaFetcher({
				...shared,
				maxBufferedBytes,
				...(maxHoldMs !== undefined && { maxHoldMs }),
				onCall: () => calls++,
			}),
			new Demuxer({ clock }),
			async (events: AsyncIterable<MediaEvent>) => {
				for await (const event of events) {
					if (event instanceof FragmentFailureEvent) failures++;
					if (!(event instanceof Frame)) continue;
					waitingBytes -= event.data.byteLength;
					frames.push(event);
					if (frames.length <= slowFrames) await pause();
				}
			},
		);
	} finally {
		client.close();
		server.close();
		server.closeAllConnections();
		await once(server, 'close');
	}
	return { frames, failures, calls, mostWaitingBytes };
}

/** The frames of a run without haste or hindrance, as text. */
export function textOf(frames: readonly Frame[]): string {
	return frames
		.map(
			({ fragmentNumber, timestampMs, data }) =>
				`${fragmentNumber} ${timestampMs} ${Buffer.from(data).toString()}`,
		)
		.join('\n');
}
