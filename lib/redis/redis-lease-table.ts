import { ArchiveError } from '../errors.js';
import type { LeaseClaim, LeaseGrant, LeaseTable } from '../follow/lease-table.js';
import { loadPeer } from '../load-peer.js';
import { onAbort } from '../stream/abort.js';

/** What is used of a client of `ioredis`, `Redis` or `Cluster`. */
export interface RedisClient {
	/** Runs a script. */
	eval(script: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

/** A client that is made here. */
interface OwnClient extends RedisClient {
	disconnect(reconnect?: boolean): void;
}

/** A command fails when its connection could not be made again this often. */
const MAX_RETRIES_PER_REQUEST = 2;

/** Redis's own clock, so that the machines need not agree on the time. */
const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Key: the hash. Arguments: the holder, and the lease in milliseconds. */
const TAKE = `${NOW}
local found = redis.call('HMGET', KEYS[1], 'holder', 'until', 'checkpoint')
local left = (found[2] and tonumber(found[2]) or 0) - now
if found[1] and found[1] ~= ARGV[1] and left > 0 then return { 0, found[1], left } end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
return { 1, found[3] }`;

/** The same, and the checkpoint; empty: leaves it as it is. */
const WRITE = `${NOW}
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return holder end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'checkpoint', ARGV[3]) end
return false`;

/** Checkpoints in Redis: a hash for each, of `holder`, `until` (epoch milliseconds by the clock of Redis) and `checkpoint`. */
export class RedisLeaseTable implements LeaseTable {
	readonly #server: string | RedisClient;
	readonly #keyPrefix: string;
	readonly #name: string;
	#own: Promise<OwnClient> | null = null;
	/** The trouble of the connection, which commands that fail do not name. */
	#trouble: Error | null = null;

	/** @param server - a URL, or a client, which is not closed */
	constructor(server: string | RedisClient, keyPrefix: string) {
		this.#server = server;
		this.#keyPrefix = keyPrefix;
		this.#name = typeof server === 'string' ? withoutCredentials(server) : 'Redis';
	}

	/** As {@link LeaseTable} says. */
	placeOf(key: string): string {
		return `${this.#keyPrefix}${key} in ${this.#name}`;
	}

	/** As {@link LeaseTable} says. */
	async take(claim: LeaseClaim): Promise<LeaseGrant> {
		const [isGranted, text, leftMs] = (await this.#run(TAKE, claim)) as [0 | 1, string, number];
		return isGranted === 1 ? { isGranted: true, text } : { isGranted: false, holder: text, leftMs };
	}

	/** As {@link LeaseTable} says. */
	async write(claim: LeaseClaim, text: string | null): Promise<string | null> {
		return (await this.#run(WRITE, claim, text ?? '')) as string | null;
	}

	/** As {@link LeaseTable} says. */
	async close(): Promise<void> {
		const own = this.#own;
		this.#own = null;
		(await own)?.disconnect();
	}

	async #run(script: string, claim: LeaseClaim, ...values: string[]): Promise<unknown> {
		const { key, holder, leaseMs, signal } = claim;
		const own = typeof this.#server === 'string' ? await this.#connected(this.#server) : null;
		// A connection that lost its other end is noticed after minutes only. What was sent is sent again, and may be.
		const release = onAbort(signal, () => own?.disconnect(true));
		try {
			const client = own ?? (this.#server as RedisClient);
			return await client.eval(script, 1, this.#keyPrefix + key, holder, leaseMs, ...values);
		} catch (error) {
			const { name, message } = error as Error;
			if (message.includes('WRONGTYPE')) {
				const text = `the checkpoint \`${this.placeOf(key)}\` is a value of another type: use another \`keyPrefix\`, or remove it`;
				throw new ArchiveError('KVS_CHECKPOINT_INVALID', text);
			}
			throw withoutCommand(
				name === 'MaxRetriesPerRequestError' && this.#trouble !== null ? this.#trouble : error,
			);
		} finally {
			release();
		}
	}

	#connected(url: string): Promise<OwnClient> {
		this.#own ??= loadPeer('ioredis', () => import('ioredis')).then(({ Redis }) => {
			const client = new Redis(url, { maxRetriesPerRequest: MAX_RETRIES_PER_REQUEST });
			client.on('error', (error: Error) => {
				this.#trouble = error;
			});
			return client;
		});
		return this.#own;
	}
}

/** The command that an error names holds the password, or all of the script. */
function withoutCommand(error: unknown): unknown {
	if (error instanceof Error && 'command' in error) delete error.command;
	return error;
}

function withoutCredentials(url: string): string {
	const { protocol, host, pathname } = new URL(url);
	return `${protocol}//${host}${pathname}`;
}
