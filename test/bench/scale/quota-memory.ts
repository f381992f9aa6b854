import type { Clock } from 'kvs-archive';
import { CONNECTIONS, type PlaceName, type Places } from '#lib/pace/quota-places.js';
import { type Expiry, heldMember, LEASE_MS, type PlaceRequest } from '#lib/redis/quota-scripts.js';
import type { QuotaTable, TakenPlaces } from '#lib/redis/quota-table.js';
import { StreamLimiter } from '#lib/redis/stream-limiter.js';
import type { SimulatedRedis } from './simulated-redis.js';

/** As in the script of `lib/redis/quota-scripts.ts`. */
const POLL_MS = 100;
const ARRIVAL_POLL_MS = 500;
const TURN_GRACE_MS = 500;

interface Taken {
	readonly name: PlaceName;
	readonly count: number;
	/** Of a request that was granted. */
	readonly id: string;
	untilMs: number;
	/** Whether its request has arrived: it is free at that time. */
	isSent: boolean;
}

interface Waiting {
	readonly name: PlaceName;
	readonly count: number;
	readonly turn: number;
	readonly waiterId: string;
	readonly untilMs: number;
}

/**
 * What the two scripts of the limiter do in Redis, in memory and on a virtual clock: places are taken all at once or not at all, in turn.
 * One for a stream; each process has a {@link StreamLimiter} over it, which is the real one.
 */
export class QuotaMemory {
	readonly #clock: Clock;
	readonly #redis: SimulatedRedis;
	readonly #taken = new Map<string, Taken>();
	#waiting: Waiting[] = [];

	constructor(clock: Clock, redis: SimulatedRedis) {
		this.#clock = clock;
		this.#redis = redis;
	}

	/** The limiter of one process. */
	limiter(places: Places): StreamLimiter {
		const table: Pick<QuotaTable, 'take' | 'setExpiry'> = {
			take: (request) => this.#take(request),
			setExpiry: (_id, expiry, members) => this.#setExpiry(expiry, members),
		};
		const onFailure = (error: unknown): never => {
			throw error;
		};
		const clock = this.#clock;
		return new StreamLimiter({ table: table as QuotaTable, places, clock, onReply: () => {}, onFailure });
	}

	async #take({ id, waiterId, wanted }: PlaceRequest): Promise<TakenPlaces> {
		await this.#redis.operation();
		const nowMs = this.#forget();
		const turn = this.#waiting.find((other) => other.waiterId === waiterId)?.turn ?? nowMs;
		this.#waiting = this.#waiting.filter((other) => other.waiterId !== waiterId);
		let freeAtMs = nowMs;
		let isSure = true;
		for (const { name, count, limit } of wanted) {
			const held = [...this.#taken.values()]
				.filter((other) => other.name === name && other.id !== id)
				.toSorted((a, b) => a.untilMs - b.untilMs);
			let missing = count - limit + held.reduce((sum, other) => sum + other.count, 0);
			for (const other of this.#waiting) {
				const isBefore = other.turn < turn || (other.turn === turn && other.waiterId < waiterId);
				if (other.name === name && isBefore) missing += other.count;
			}
			let atMs = nowMs;
			for (const other of held) {
				if (missing <= 0) break;
				missing -= other.count;
				atMs = other.isSent ? other.untilMs : Math.min(other.untilMs, nowMs + ARRIVAL_POLL_MS);
				if (!other.isSent) isSure = false;
			}
			const mayBeSooner = missing > 0 || CONNECTIONS.has(name);
			if (mayBeSooner && (missing > 0 || atMs > nowMs)) {
				atMs = nowMs + POLL_MS;
				isSure = false;
			}
			freeAtMs = Math.max(freeAtMs, atMs);
		}
		for (const place of wanted) {
			const { name, count } = place;
			if (freeAtMs > nowMs && !isSure) {
				this.#waiting.push({ name, count, turn, waiterId, untilMs: freeAtMs + TURN_GRACE_MS });
			} else {
				const untilMs = nowMs + LEASE_MS;
				this.#taken.set(heldMember(id, place), { name, count, id, untilMs, isSent: false });
			}
		}
		return { isGranted: isSure, waitMs: freeAtMs - nowMs, turn: String(turn) };
	}

	async #setExpiry(expiry: Expiry, members: readonly string[]): Promise<string[]> {
		await this.#redis.operation();
		const nowMs = this.#forget();
		return members.filter((member) => {
			const taken = this.#taken.get(member);
			if (taken === undefined) return true;
			if (expiry === 'free') this.#taken.delete(member);
			else taken.untilMs = nowMs + (expiry === 'renew' ? LEASE_MS : expiry);
			taken.isSent = typeof expiry === 'number';
			return false;
		});
	}

	/** Drops what has expired. Returns the time. */
	#forget(): number {
		const nowMs = this.#clock.now();
		for (const [member, { untilMs }] of this.#taken) if (untilMs <= nowMs) this.#taken.delete(member);
		this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
		return nowMs;
	}
}
