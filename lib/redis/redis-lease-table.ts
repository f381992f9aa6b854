import { ArchiveError } from '../errors.js';
import type { LeaseClaim, LeaseGrant, LeaseTable } from '../follow/lease-table.js';
import { REDIS_NOW, type RedisConnection } from './redis-connection.js';

/** Key: the hash. Arguments: the holder, and the lease in milliseconds. */
const TAKE = `${REDIS_NOW}
local found = redis.call('HMGET', KEYS[1], 'holder', 'until', 'checkpoint')
local left = (found[2] and tonumber(found[2]) or 0) - now
if found[1] and found[1] ~= ARGV[1] and left > 0 then return { 0, found[1], left } end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
return { 1, found[3] }`;

/** The same, and the checkpoint; empty: leaves it as it is. */
const WRITE = `${REDIS_NOW}
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return holder end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'checkpoint', ARGV[3]) end
return false`;

/** Checkpoints in Redis: a hash for each, of `holder`, `until` (epoch milliseconds by the clock of Redis) and `checkpoint`. */
export class RedisLeaseTable implements LeaseTable {
	readonly #connection: RedisConnection;
	readonly #keyPrefix: string;

	/** @param connection - closed with the table */
	constructor(connection: RedisConnection, keyPrefix: string) {
		this.#connection = connection;
		this.#keyPrefix = keyPrefix;
	}

	/** As {@link LeaseTable} says. */
	placeOf(key: string): string {
		return `${this.#keyPrefix}${key} in ${this.#connection.name}`;
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
		await this.#connection.close();
	}

	async #run(script: string, claim: LeaseClaim, ...values: string[]): Promise<unknown> {
		const { key, holder, leaseMs, signal } = claim;
		try {
			return await this.#connection.run(script, this.#keyPrefix + key, [holder, leaseMs, ...values], signal);
		} catch (error) {
			if (!(error as Error).message.includes('WRONGTYPE')) throw error;
			const text = `the checkpoint \`${this.placeOf(key)}\` is a value of another type: use another \`keyPrefix\`, or remove it`;
			throw new ArchiveError('KVS_CHECKPOINT_INVALID', text);
		}
	}
}
