import { randomUUID } from 'node:crypto';
import { ArchiveError } from '../errors.js';
import { type Clock, keepAlive } from '../pace/clock.js';
import { CONNECTIONS, HOLD_MS, PLACES_IN_ORDER, type Places } from '../pace/quota-places.js';
import type { Permit, RateLimiter, RequestCost } from '../pace/rate-limiter.js';
import { ResponseTimes } from '../pace/response-times.js';
import { unlessAborted } from '../stream/abort.js';
import {
	type Expiry,
	heldMember,
	LEASE_MS,
	type PlaceRequest,
	type WantedPlaces,
	waitMember,
} from './quota-scripts.js';
import type { QuotaTable } from './quota-table.js';
import { type PlaceReply, WaitingQueue } from './waiting-queue.js';

/** How often places are renewed, in milliseconds. */
const RENEWAL_MS = 500;

/** Delay between requests to a Redis that is unreachable, in milliseconds. */
const RETRY_MS = 200;

/** What a {@link StreamLimiter} needs. */
export interface StreamLimiterOptions {
	readonly table: QuotaTable;
	/** How many places there are. */
	readonly places: Places;
	readonly clock: Clock;
	/** Called when Redis has replied to a request for places. */
	readonly onReply: () => void;
	/** Called when a request for places failed. Throws what it is to be refused with, unless it is to be repeated. */
	readonly onFailure: (error: unknown) => void;
}

/** Places that are renewed until they are given back, or until the request has arrived. */
interface HeldPlaces {
	readonly members: Set<string>;
	/** When the lease ends unless it is renewed, epoch milliseconds. */
	untilMs: number;
	readonly lost: AbortController;
}

/**
 * The limiter of one stream in one process. What wants the same kinds of places waits in one queue, whose first requests all of its places
 * at once; between processes the queues take turns. Places are taken under a lease, which is renewed for as long as the
 * permit is held.
 */
export class StreamLimiter implements RateLimiter {
	readonly #options: StreamLimiterOptions;
	readonly #id = randomUUID();
	readonly #queues = new Map<string, WaitingQueue>();
	readonly #held = new Set<HeldPlaces>();
	readonly #responses: ResponseTimes;
	#isRenewing = false;

	constructor(options: StreamLimiterOptions) {
		this.#options = options;
		this.#responses = new ResponseTimes(options.clock);
	}

	/** As {@link RateLimiter} says. */
	async acquire(cost: RequestCost, signal?: AbortSignal): Promise<Permit> {
		signal?.throwIfAborted();
		const wanted = PLACES_IN_ORDER.flatMap((name) => {
			const limit = this.#options.places[name];
			// A request that costs more than a whole second's quota goes when nothing else counts.
			const count = Math.min(cost[name] ?? 0, limit);
			return count === 0 ? [] : [{ name, count, limit }];
		});
		const { granted, leave } = this.#queueOf(wanted).enter({ wanted, isUrgent: cost.isUrgent === true });
		// Held permits do not keep a process alive that is done; one that waits for a permit is not.
		const release = keepAlive(this.#options.clock);
		try {
			return await (signal === undefined ? granted : unlessAborted(granted, signal));
		} catch (error) {
			leave();
			throw error;
		} finally {
			release();
		}
	}

	#queueOf(wanted: readonly WantedPlaces[]): WaitingQueue {
		const kinds = wanted.map(({ name }) => name).join('+');
		const known = this.#queues.get(kinds);
		if (known !== undefined) return known;
		const queue = new WaitingQueue(`${this.#id}:${kinds}`, this.#options.clock, (request) =>
			this.#request(request),
		);
		this.#queues.set(kinds, queue);
		return queue;
	}

	async #request(request: PlaceRequest): Promise<PlaceReply> {
		const { table, clock, onReply, onFailure } = this.#options;
		const sentAtMs = clock.now();
		try {
			const { isGranted, waitMs, turn } = await table.take(request);
			onReply();
			if (isGranted) return { permit: this.#hold(request, sentAtMs), waitMs };
			const { waiterId, wanted } = request;
			const noted = wanted.map((places) => waitMember(turn, waiterId, places));
			return { permit: null, waitMs, withdraw: () => this.#expire(waiterId, 'free', noted) };
		} catch (error) {
			onFailure(error);
			return { permit: null, waitMs: RETRY_MS, withdraw: () => {} };
		}
	}

	/** The permit of places that were requested at a time and are granted. */
	#hold({ id, wanted }: PlaceRequest, sentAtMs: number): Permit {
		const membersOf = (places: readonly WantedPlaces[]): string[] =>
			places.map((place) => heldMember(id, place));
		const connections = membersOf(wanted.filter(({ name }) => CONNECTIONS.has(name)));
		const counted = membersOf(wanted.filter(({ name }) => !CONNECTIONS.has(name)));
		const held = this.#keep([...connections, ...counted], sentAtMs + LEASE_MS);
		const release = (from: HeldPlaces, members: readonly string[], expiry: Expiry): void => {
			const taken = members.filter((member) => from.members.delete(member));
			if (from.members.size === 0) this.#held.delete(from);
			if (taken.length === 0) return;
			this.#expire(id, expiry, taken);
			if (expiry === 'free') for (const queue of this.#queues.values()) queue.wake();
		};
		const kind = wanted.map(({ name }) => name).join('+');
		const sent = (response?: Promise<unknown>): void => {
			// The process may have been suspended since they were granted.
			if (this.#options.clock.now() >= held.untilMs) this.#lose(held);
			if (response === undefined) {
				release(held, counted, HOLD_MS);
				return;
			}
			// From here on their loss concerns nothing any more: the request is on its way.
			const onTheirWay = this.#keep(
				counted.filter((member) => held.members.delete(member)),
				held.untilMs,
			);
			if (held.members.size === 0) this.#held.delete(held);
			void this.#responses
				.leftMs(kind, response)
				.then((leftMs) => release(onTheirWay, counted, Math.round(leftMs)));
		};
		return {
			sent,
			closed: () => release(held, connections, 'free'),
			cancel: () => release(held, [...connections, ...counted], 'free'),
			lost: held.lost.signal,
		};
	}

	/** Renews places until they are given back. */
	#keep(members: readonly string[], untilMs: number): HeldPlaces {
		const held: HeldPlaces = { members: new Set(members), untilMs, lost: new AbortController() };
		if (members.length > 0) this.#held.add(held);
		void this.#renew();
		return held;
	}

	#expire(id: string, expiry: Expiry, members: readonly string[]): void {
		// Where this fails they expire by themselves, as they are not renewed.
		this.#options.table.setExpiry(id, expiry, members).catch(() => {});
	}

	async #renew(): Promise<void> {
		if (this.#isRenewing) return;
		this.#isRenewing = true;
		const { clock, table } = this.#options;
		for (;;) {
			await clock.sleep(RENEWAL_MS, { isBackground: true });
			if (this.#held.size === 0) break;
			const sentAtMs = clock.now();
			// Most are given back before that.
			const all = [...this.#held].filter(({ untilMs }) => untilMs - sentAtMs <= LEASE_MS - RENEWAL_MS);
			if (all.length === 0) continue;
			try {
				const members = all.flatMap((held) => [...held.members]);
				const expired = new Set(await table.setExpiry(this.#id, 'renew', members));
				for (const held of all) {
					if ([...held.members].some((member) => expired.has(member))) this.#lose(held);
					held.untilMs = sentAtMs + LEASE_MS;
				}
			} catch {
				// It is tried again, until the lease is over.
			}
			for (const held of all) if (clock.now() >= held.untilMs) this.#lose(held);
		}
		this.#isRenewing = false;
	}

	#lose(held: HeldPlaces): void {
		if (!this.#held.delete(held)) return;
		held.members.clear();
		const message = `a permit of the limiter was not renewed in Redis for ${LEASE_MS} ms, or Redis has lost its data`;
		held.lost.abort(new ArchiveError('KVS_PERMIT_LOST', message, { retryable: true }));
	}
}
