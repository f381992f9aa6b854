import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { unlessAborted } from '../stream/abort.js';
import type { Checkpoint, CheckpointStore } from './checkpoint.js';
import type { LeaseClaim, LeaseTable } from './lease-table.js';
import { readCheckpoint } from './read-checkpoint.js';

/** A checkpoint is written at most this often, in milliseconds. */
const SAVE_INTERVAL_MS = 1000;

/** A lease is renewed after this part of it, and no renewal is waited for longer. */
const RENEWALS_A_LEASE = 3;

/** How long any other call to the store is waited for, in milliseconds: it may have to connect first. */
const CALL_LIMIT_MS = 10_000;

const DEFAULT_LEASE_MS = 30_000;

/** A shorter one is lost to the delays of a busy machine. */
const MIN_LEASE_MS = 100;

/** How a place is kept. */
export interface LeaseOptions {
	/**
	 * For how long the place stays the consumer's without being renewed, in milliseconds: a consumer that was killed keeps others
	 * out for as long, and one that cannot reach the store for as long ends. @default 30000
	 */
	readonly leaseMs?: number | undefined;
	/** The source of time. @default the machine's */
	readonly clock?: Clock | undefined;
}

/** A place that was taken. */
interface HeldPlace {
	readonly key: string;
	readonly holder: string;
	/** Ends `load`, and the renewals. */
	readonly stop: AbortController;
	newest: Checkpoint | null;
	written: Checkpoint | null;
	/** When the last write that succeeded was begun, epoch milliseconds: the lease began then or later. */
	writtenAtMs: number;
	/** The write under way. */
	writing: Promise<void> | null;
}

/**
 * Keeps the checkpoint of one consumer in a store that many processes share, under a lease: `load` takes the place, unless
 * another consumer has it, and until `close` it is renewed, without keeping the process alive. What `save` is given is written
 * within a second, the newest only, and at `close`: a kill repeats the fragments since then.
 *
 * While the store cannot be reached, following continues and writing is retried. When that has lasted for as long as the lease,
 * or another consumer has taken the place, `lost` is aborted, every further call rejects with its reason, and nothing is written.
 *
 * Every trouble is an `ArchiveError`: `KVS_CHECKPOINT_IN_USE` (another has the place), `KVS_CHECKPOINT_INVALID` (damaged, of
 * another stream, or of a later version), `KVS_CHECKPOINT_FAILED` (the store: see `cause`), `KVS_CLOSED`.
 */
export class LeasedCheckpoints implements CheckpointStore {
	readonly #table: LeaseTable;
	readonly #leaseMs: number;
	readonly #clock: Clock;
	readonly #lost = new AbortController();
	#held: HeldPlace | null = null;
	/** Ends a `load` that is under way. */
	#loading: AbortController | null = null;
	#renewals: Promise<void> = Promise.resolve();
	#closing: Promise<void> = Promise.resolve();

	/** @param table - the store; its connections are closed with the place */
	constructor(table: LeaseTable, { leaseMs = DEFAULT_LEASE_MS, clock = systemClock }: LeaseOptions) {
		if (!Number.isSafeInteger(leaseMs) || leaseMs < MIN_LEASE_MS) {
			throw new InvalidOptionError('leaseMs', `whole milliseconds, ${MIN_LEASE_MS} or more`, leaseMs);
		}
		this.#table = table;
		this.#leaseMs = leaseMs;
		this.#clock = clock;
	}

	/** As {@link CheckpointStore} says. A store that has lost its place does not take another. */
	get lost(): AbortSignal {
		return this.#lost.signal;
	}

	/** As {@link CheckpointStore} says. */
	async load(key: string): Promise<Checkpoint | null> {
		this.lost.throwIfAborted();
		const stop = new AbortController();
		this.#loading = stop;
		await this.#closing;
		const nowMs = this.#clock.now();
		const since = new Date(nowMs).toISOString();
		const held: HeldPlace = {
			key,
			holder: JSON.stringify({ pid: process.pid, host: hostname(), since, id: randomUUID() }),
			stop,
			newest: null,
			written: null,
			writtenAtMs: nowMs,
			writing: null,
		};
		let text: string | null;
		try {
			stop.signal.throwIfAborted();
			const taking = this.#call('read', held, CALL_LIMIT_MS, (claim) => this.#table.take(claim));
			const grant = await unlessAborted(taking, stop.signal);
			if (!grant.isGranted) {
				const rest = `one consumer at a time may follow with it, and its lease ends in ${grant.leftMs} ms unless it is renewed`;
				throw this.#inUse(key, `in use by ${nameOf(grant.holder)}: ${rest}`);
			}
			text = grant.text;
		} catch (error) {
			await this.#table.close();
			throw error;
		} finally {
			this.#loading = null;
		}
		this.#held = held;
		try {
			held.newest = text === null ? null : readCheckpoint(text, key, this.#table.placeOf(key));
			held.written = held.newest;
		} catch (error) {
			await this.close();
			throw error;
		}
		this.#renewals = this.#renew(held);
		return held.newest;
	}

	/**
	 * As {@link CheckpointStore} says: takes note of it, to be written within a second. Where the lease is over already, as in a
	 * process that was suspended, it resolves when the place is known to be held still, and the checkpoint is written.
	 */
	async save(_key: string, checkpoint: Checkpoint): Promise<void> {
		this.lost.throwIfAborted();
		const held = this.#held;
		if (held === null)
			throw new ArchiveError('KVS_CLOSED', 'the store of checkpoints was closed before `save`');
		held.newest = checkpoint;
		if (this.#clock.now() < this.#endMs(held)) return;
		await this.#write(held);
		this.lost.throwIfAborted();
	}

	/** As {@link CheckpointStore} says. */
	async close(): Promise<void> {
		const held = this.#held;
		this.#held = null;
		this.#loading?.abort(new ArchiveError('KVS_CLOSED', 'the store of checkpoints was closed during `load`'));
		if (held !== null) this.#closing = this.#release(held);
		await this.#closing;
	}

	/** When the lease is over, epoch milliseconds. */
	#endMs(held: HeldPlace): number {
		return held.writtenAtMs + this.#leaseMs;
	}

	async #release(held: HeldPlace): Promise<void> {
		held.stop.abort();
		await this.#renewals;
		await held.writing;
		try {
			if (!this.lost.aborted) await this.#writeWithin(CALL_LIMIT_MS, held, { leaseMs: 0 });
		} finally {
			await this.#table.close();
		}
	}

	async #renew(held: HeldPlace): Promise<void> {
		const { signal } = held.stop;
		const stepMs = Math.min(SAVE_INTERVAL_MS, this.#leaseMs / RENEWALS_A_LEASE);
		while (!signal.aborted) {
			const waitMs = Math.max(1, Math.min(stepMs, this.#endMs(held) - this.#clock.now()));
			// Rejects only where it is stopped, which the loop looks at.
			await this.#clock.sleep(waitMs, { signal, isBackground: true }).catch(() => {});
			const isDue = this.#clock.now() >= held.writtenAtMs + this.#leaseMs / RENEWALS_A_LEASE;
			if (!signal.aborted && (isDue || held.newest !== held.written)) await this.#write(held);
		}
	}

	/** Writes what is newest, one write at a time; resolves in any case, with the place held or lost. */
	#write(held: HeldPlace): Promise<void> {
		held.writing ??= this.#tryWrite(held).finally(() => {
			held.writing = null;
		});
		return held.writing;
	}

	async #tryWrite(held: HeldPlace): Promise<void> {
		const leftMs = this.#endMs(held) - this.#clock.now();
		const limitMs = leftMs > 0 ? Math.min(this.#leaseMs / RENEWALS_A_LEASE, leftMs) : CALL_LIMIT_MS;
		try {
			await this.#writeWithin(limitMs, held);
		} catch (error) {
			const { code, message, cause, retryable } = error as ArchiveError;
			const mayPass = code === 'KVS_CHECKPOINT_FAILED' && retryable;
			if (mayPass && this.#clock.now() < this.#endMs(held)) return;
			const rest = `; this has failed for as long as the lease lasts, ${this.#leaseMs} ms, so another consumer may hold the checkpoint now`;
			this.#lost.abort(mayPass ? new ArchiveError(code, message + rest, { cause, retryable }) : error);
			held.stop.abort();
		}
	}

	/** Rejects where another has the place, and with what the store says. */
	async #writeWithin(limitMs: number, held: HeldPlace, change: Partial<LeaseClaim> = {}): Promise<void> {
		const { newest } = held;
		const text = newest === null ? null : JSON.stringify(newest);
		const sentAtMs = this.#clock.now();
		const other = await this.#call('save', held, limitMs, (claim) =>
			this.#table.write({ ...claim, ...change }, text),
		);
		if (other !== null) {
			const rest = `this consumer had not renewed its lease of ${this.#leaseMs} ms, and what it did since is not saved`;
			throw this.#inUse(held.key, `now in use by ${nameOf(other)}: ${rest}`);
		}
		held.written = newest;
		held.writtenAtMs = sentAtMs;
	}

	async #call<Result>(
		what: string,
		{ key, holder }: HeldPlace,
		limitMs: number,
		act: (claim: LeaseClaim) => Promise<Result>,
	): Promise<Result> {
		const nowMs = this.#clock.now();
		const over = new AbortController();
		const { signal } = over;
		const late = this.#clock.sleep(limitMs, { signal }).then(() => {
			throw new Error(`no response in ${Math.round(limitMs)} ms`);
		});
		try {
			return await Promise.race([act({ key, holder, leaseMs: this.#leaseMs, nowMs, signal }), late]);
		} catch (cause) {
			if (cause instanceof ArchiveError) throw cause;
			const message = `cannot ${what} the checkpoint \`${this.#table.placeOf(key)}\`: ${(cause as Error).message}`;
			throw new ArchiveError('KVS_CHECKPOINT_FAILED', message, { cause, retryable: true });
		} finally {
			over.abort();
		}
	}

	#inUse(key: string, what: string): ArchiveError {
		const message = `the checkpoint \`${this.#table.placeOf(key)}\` is ${what}`;
		return new ArchiveError('KVS_CHECKPOINT_IN_USE', message, { retryable: true });
	}
}

/** A holder, in words. */
function nameOf(holder: string): string {
	try {
		const { pid, host, since } = JSON.parse(holder);
		return `process ${pid} on ${host}, since ${since}`;
	} catch {
		return 'another process';
	}
}
