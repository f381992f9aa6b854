import { LeasedCheckpoints, type LeaseOptions } from '../follow/leased-checkpoints.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import { type RedisClient, RedisConnection } from './redis-connection.js';
import { RedisLeaseTable } from './redis-lease-table.js';

const DEFAULT_KEY_PREFIX = 'kvs-archive:checkpoint:';

const OPTION_NAMES: OptionNames<RedisCheckpointsOptions> = {
	url: true,
	client: true,
	keyPrefix: true,
	leaseMs: true,
	clock: true,
};

/** Options of {@link RedisCheckpoints}: `url` or `client`. */
export interface RedisCheckpointsOptions extends LeaseOptions {
	/** `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://…` for TLS. */
	readonly url?: string | undefined;
	/** A client of ioredis, which stays open. Without limits of its own a call is waited for until a third of the lease is over. */
	readonly client?: RedisClient | undefined;
	/** What stands before the stream and the consumer in the name of the hash. @default 'kvs-archive:checkpoint:' */
	readonly keyPrefix?: string | undefined;
}

/**
 * Keeps the checkpoint of one consumer in Redis (5 or later), under a lease by the clock of Redis: see {@link LeasedCheckpoints}.
 * Needs the package `ioredis`.
 *
 * Each checkpoint is a hash `PREFIX STREAM/CONSUMER` without expiry. A Redis that comes back empty gets the checkpoint again from
 * the consumer that holds it, unless another came first and began anew.
 */
export class RedisCheckpoints extends LeasedCheckpoints {
	/** Throws `InvalidOptionError`. Nothing is connected before `load`. */
	constructor(options: RedisCheckpointsOptions) {
		checkOptionNames(options, OPTION_NAMES);
		const { url, client, keyPrefix = DEFAULT_KEY_PREFIX, ...lease } = options;
		super(new RedisLeaseTable(new RedisConnection({ url, client }), keyPrefix), lease);
	}
}
