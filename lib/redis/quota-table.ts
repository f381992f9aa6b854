import type { Clock } from '../pace/clock.js';
import { whatHasCome } from '../stream/abort.js';
import { type Expiry, LEASE_MS, type PlaceRequest, SET_EXPIRY, TAKE_PLACES } from './quota-scripts.js';
import type { RedisConnection } from './redis-connection.js';

/** How long Redis is waited for, in milliseconds: then the connection is made anew. */
const CALL_LIMIT_MS = 2000;

/** What a {@link QuotaTable} needs. */
export interface QuotaTableOptions {
	readonly connection: RedisConnection;
	/** Of the stream, in Redis. */
	readonly key: string;
	readonly clock: Clock;
	/** Aborted where the connection is not to be made again: calls reject with its reason. */
	readonly closed: AbortSignal;
}

/** What came of a request for places. */
export interface TakenPlaces {
	readonly isGranted: boolean;
	readonly waitMs: number;
	/** What Redis has noted the waiter by, where nothing is granted. */
	readonly turn: string;
}

/** The places of one stream that are taken, in Redis. Each call is atomic; it rejects with what Redis replies, or with the trouble of the connection. */
export class QuotaTable {
	readonly #connection: RedisConnection;
	readonly #key: string;
	readonly #clock: Clock;
	readonly #closed: AbortSignal;
	#since = '';
	/** Until when, at the most, something that was taken here counts; epoch milliseconds. */
	#countsUntilMs = 0;

	constructor({ connection, key, clock, closed }: QuotaTableOptions) {
		this.#connection = connection;
		this.#key = key;
		this.#clock = clock;
		this.#closed = closed;
	}

	/** Takes all places that a request wants, or none: after `waitMs` they may be used, or are to be requested again. */
	async take({ id, waiterId, wanted }: PlaceRequest): Promise<TakenPlaces> {
		const values = wanted.flatMap(({ name, count, limit }) => [name, count, limit]);
		const sentAtMs = this.#clock.now();
		const reply = await this.#run(TAKE_PLACES, [id, waiterId, ...values]);
		const [isGranted, waitMs, since, turn] = reply as [0 | 1, number, string, string];
		this.#since = since;
		if (isGranted === 1) this.#countsUntilMs = sentAtMs + LEASE_MS;
		return { isGranted: isGranted === 1, waitMs, turn };
	}

	/** Sets when what members stand for expires. Resolves with those that had expired already. */
	async setExpiry(id: string, expiry: Expiry, members: readonly string[]): Promise<readonly string[]> {
		const sentAtMs = this.#clock.now();
		const reply = await this.#run(SET_EXPIRY, [id, expiry, ...members]);
		const [since = '', ...expired] = reply as string[];
		this.#since = since;
		if (expired.length < members.length && expiry !== 'free') this.#countsUntilMs = sentAtMs + LEASE_MS;
		return expired;
	}

	async #run(script: string, values: readonly (string | number)[]): Promise<unknown> {
		this.#closed.throwIfAborted();
		// Not within the time limit: the package may have to be loaded.
		await this.#connection.load();
		const known = this.#clock.now() < this.#countsUntilMs ? this.#since : '';
		const over = new AbortController();
		const { signal } = over;
		const late = this.#clock
			.sleep(CALL_LIMIT_MS, { signal, isBackground: true })
			.then(whatHasCome)
			.then(() => {
				throw new Error(`no response in ${CALL_LIMIT_MS} ms`);
			});
		try {
			return await Promise.race([this.#connection.run(script, this.#key, [known, ...values], signal), late]);
		} finally {
			over.abort();
		}
	}
}
