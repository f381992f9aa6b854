import type { Redis } from 'ioredis';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { peerMissing } from '../peer-missing.js';
import { onAbort } from '../stream/abort.js';
import { checkRedisUrl } from '../wording/redis-url.js';
import { withoutCredentials } from '../wording/without-credentials.js';

/** The library that the queue is made of. */
export type BullMq = typeof import('bullmq');

/** Longest wait between two attempts to connect again, in milliseconds. */
const MAX_RECONNECT_MS = 2000;

/** What every key of the queue in Redis begins with. */
export const KEY_PREFIX = 'kvs-archive';

const NAME_PATTERN = /^[a-zA-Z0-9_.-]{1,100}$/;

/** Where a queue is. */
export interface QueueOptions {
	/** `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…` for TLS. Redis 6.2 or later, or Valkey. */
	readonly url: string;
	/** Name of the queue: workers do the jobs of the queue of their name. @default 'work' */
	readonly name?: string | undefined;
	/** Called with trouble of the connection, which is made again by itself, and with what else does not end the work. */
	readonly onTrouble?: ((error: Error) => void) | undefined;
}

/** Checks where a queue is. Throws `InvalidOptionError`, without what may be a password. */
export function checkQueueOptions({ url, name = 'work' }: QueueOptions): { url: string; name: string } {
	checkRedisUrl(url);
	if (!NAME_PATTERN.test(name)) {
		throw new InvalidOptionError('name', '1 to 100 of the characters a-z, A-Z, 0-9, _, . and -', name);
	}
	return { url, name };
}

/**
 * Connects to the Redis of a queue, and loads what the queue is made of. A Redis that is unreachable now is an error; one that is
 * later is waited for, and commands wait with it. Rejects with `ArchiveError`: `KVS_PEER_MISSING`, `KVS_QUEUE_FAILED`.
 */
export async function connectQueue(
	url: string,
	{
		onTrouble = () => {},
		signal,
	}: Pick<QueueOptions, 'onTrouble'> & { readonly signal?: AbortSignal | undefined },
): Promise<{ redis: Redis; bullmq: BullMq }> {
	const bullmq = await import('bullmq').catch(peerMissing('bullmq'));
	const { Redis } = await import('ioredis').catch(peerMissing('ioredis'));
	signal?.throwIfAborted();
	let trouble: Error | null = null;
	let isConnected = false;
	const redis = new Redis(url, {
		lazyConnect: true,
		// What is sent while Redis is unreachable waits for it.
		maxRetriesPerRequest: null,
		retryStrategy: (times) => (isConnected ? Math.min(100 * 2 ** times, MAX_RECONNECT_MS) : null),
	});
	redis.on('error', (error: Error) => {
		trouble = error;
		if (isConnected) onTrouble(error);
	});
	const release = signal === undefined ? () => {} : onAbort(signal, () => redis.disconnect());
	try {
		await redis.connect();
		isConnected = true;
		return { redis, bullmq };
	} catch (error) {
		redis.disconnect();
		signal?.throwIfAborted();
		const cause = trouble ?? (error as Error);
		const message = `cannot reach the queue in ${withoutCredentials(url)}: ${cause.message}`;
		throw new ArchiveError('KVS_QUEUE_FAILED', message, { cause, retryable: true });
	} finally {
		release();
	}
}
