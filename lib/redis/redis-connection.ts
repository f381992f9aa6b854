import { InvalidOptionError } from '../errors.js';
import { peerMissing } from '../peer-missing.js';
import { onAbort } from '../stream/abort.js';
import { checkRedisUrl } from '../wording/redis-url.js';
import { withoutCredentials } from '../wording/without-credentials.js';

/** What is used of a client of `ioredis`, `Redis` or `Cluster`. */
export interface RedisClient {
	/** Runs a script. */
	eval(script: string, keyCount: number, ...keysAndArguments: (string | number)[]): Promise<unknown>;
}

/** A client that is made here. */
interface OwnClient extends RedisClient {
	readonly status: string;
	connect(): Promise<void>;
	disconnect(reconnect?: boolean): void;
}

/** Where Redis is: one of the two. */
export interface RedisServer {
	/** `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…` for TLS. */
	readonly url?: string | undefined;
	/** A client of ioredis, which stays open. */
	readonly client?: RedisClient | undefined;
}

/** A command fails when its connection could not be made again this often. */
const MAX_RETRIES_PER_REQUEST = 2;

/** Longest delay before a connection is tried again, in milliseconds. */
const MAX_RECONNECT_DELAY_MS = 500;

const RECONNECT_STEP_MS = 50;

/** Lua: `now` is Redis's own time in epoch milliseconds, so that the machines need not agree on theirs. */
export const REDIS_NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * One connection to Redis, made when it is first used and made again when it breaks off. It does not keep the process alive
 * unless something waits for it.
 */
export class RedisConnection {
	/** Where Redis is, for messages; without credentials. */
	readonly name: string;
	readonly #server: string | RedisClient;
	#own: Promise<OwnClient> | null = null;
	/** The trouble of the connection, which commands that fail do not name. */
	#trouble: Error | null = null;
	#runningCount = 0;

	/** Throws `InvalidOptionError` where neither or both are given, or the URL is invalid. Connects to nothing yet. */
	constructor({ url, client }: RedisServer) {
		this.#server = serverOf(url, client);
		this.name = url === undefined ? 'Redis' : withoutCredentials(url);
	}

	/** Loads the package where it is needed. Rejects with `KVS_PEER_MISSING`. */
	async load(): Promise<void> {
		if (typeof this.#server === 'string') await this.#connected(this.#server);
	}

	/**
	 * Runs a script on one key. Rejects with what Redis replies, or with the trouble of the connection. After an abort of
	 * `signal` the connection is made anew: one that lost its other end is noticed after minutes only. What was sent is sent again.
	 */
	async run(
		script: string,
		key: string,
		values: readonly (string | number)[],
		signal: AbortSignal,
	): Promise<unknown> {
		this.#runningCount++;
		let release = (): void => {};
		try {
			const own = typeof this.#server === 'string' ? await this.#connected(this.#server) : null;
			release = onAbort(signal, () => own?.disconnect(true));
			// It was given up while nothing used it. Where that fails, the command does.
			if (own?.status === 'end') own.connect().catch(() => {});
			const client = own ?? (this.#server as RedisClient);
			return await client.eval(script, 1, key, ...values);
		} catch (error) {
			const isOfConnection = (error as Error).name === 'MaxRetriesPerRequestError';
			throw withoutCommand(isOfConnection && this.#trouble !== null ? this.#trouble : error);
		} finally {
			this.#runningCount--;
			release();
		}
	}

	/** Closes the connection that was made here; another script makes a new one. */
	async close(): Promise<void> {
		const own = this.#own;
		this.#own = null;
		(await own)?.disconnect();
	}

	#connected(url: string): Promise<OwnClient> {
		this.#own ??= this.#connect(url).catch((error) => {
			this.#own = null;
			throw error;
		});
		return this.#own;
	}

	async #connect(url: string): Promise<OwnClient> {
		const { Redis } = await import('ioredis').catch(peerMissing('ioredis'));

		const client = new Redis(url, {
			maxRetriesPerRequest: MAX_RETRIES_PER_REQUEST,
			// It asks for INFO, which a user of few rights may not. A Redis that loads its data says so.
			enableReadyCheck: false,
			// Its primary is another now.
			reconnectOnError: ({ message }) => message.startsWith('READONLY'),
			retryStrategy: (attempts) =>
				this.#runningCount === 0 ? null : Math.min(RECONNECT_STEP_MS * attempts, MAX_RECONNECT_DELAY_MS),
		});
		client.on('error', (error: Error) => {
			this.#trouble = error;
		});
		client.on('connect', () => client.stream.unref());
		return client;
	}
}

function serverOf(url: string | undefined, client: RedisClient | undefined): string | RedisClient {
	if ((url === undefined) === (client === undefined)) {
		throw new InvalidOptionError('url', 'given, or `client`, and not both', url === undefined ? url : 'both');
	}
	if (url === undefined) return client as RedisClient;
	return checkRedisUrl(url);
}

/** The command that an error names holds the password, or all of the script. */
function withoutCommand(error: unknown): unknown {
	if (error instanceof Error && 'command' in error) delete error.command;
	return error;
}
