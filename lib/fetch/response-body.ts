import { Readable } from 'node:stream';
import { ArchiveError, MediaError } from '../errors.js';
import type { Clock } from '../pace/clock.js';
import { whatHasCome } from '../stream/abort.js';
import { counted } from '../wording/counted.js';
import type { BudgetAccount, BudgetRoom, ByteBudget } from './byte-budget.js';

/** Time limits of a response body. */
export interface BodyTimeouts {
	/** Longest time without data, or nearly without, while it is read, before the connection is considered dead. Milliseconds. */
	readonly stallMs: number;
	/** Longest time that a connection may wait for room, before it is closed and opened again later. Milliseconds. */
	readonly maxHoldMs: number;
}

/** What a {@link ResponseBody} needs. */
export interface ResponseBodyOptions extends BodyTimeouts {
	/** Opens the connection. */
	readonly open: (signal: AbortSignal) => Promise<Readable>;
	/** Called when the connection is open. */
	readonly onConnected: () => void;
	readonly budget: ByteBudget;
	readonly clock: Clock;
	/** The most that may come: no fragment has much more than it was listed with. */
	readonly maxSizeBytes: number;
}

/** A connection that brings less is as good as dead; a bad line in the field still has ten times as much. */
const MIN_BYTES_PER_SECOND = 256;

/**
 * The payload of one response, drained from its connection into the run's budget of memory as fast as it comes, however
 * late its reader is. Ends as the connection ended: cleanly, or, after everything that came, with its error.
 */
export class ResponseBody extends Readable {
	readonly #options: ResponseBodyOptions;
	readonly #account: BudgetAccount = { heldBytes: 0 };
	readonly #abort = new AbortController();
	#chunks: Uint8Array[] = [];
	#source: Readable | null = null;
	#isWanted = false;
	#isHolding = false;
	/** Ends the waiting for room, so that a connection that is given up is free at once. */
	#stopHolding: () => void = () => {};
	#lastProgressMs = 0;
	/** What has come since then. */
	#sinceProgressBytes = 0;
	#leftBytes: number;
	#isOver = false;
	#failure: Error | null = null;

	constructor(options: ResponseBodyOptions) {
		// Chunks wait here, where the budget sees them, and not in the stream's own buffer.
		super({ highWaterMark: 0 });
		this.#options = options;
		this.#leftBytes = options.maxSizeBytes;
	}

	/** Whether the connection is open, or about to be. */
	get isConnected(): boolean {
		return this.#source !== null;
	}

	/**
	 * Opens the connection and reads it to its end. Never rejects: what goes wrong is for the reader of the body.
	 */
	async fill(): Promise<void> {
		if (this.#isOver || this.destroyed) return;
		const { signal } = this.#abort;
		try {
			this.#source = await this.#options.open(signal);
			// The body may have been destroyed meanwhile.
			signal.throwIfAborted();
			this.#options.onConnected();
			const watch = this.#watch(this.#source, signal);
			for await (const chunk of this.#source) {
				this.#accept(chunk as Uint8Array);
				const room = this.destroyed ? null : this.#options.budget.room(this.#account);
				if (room !== null) await this.#waitFor(room);
			}
			await watch.stop();
		} catch (error) {
			this.#failure ??= error as Error;
		} finally {
			this.#source?.destroy();
			this.#source = null;
			this.#isOver = true;
			this.#abort.abort();
			this.#serve();
		}
	}

	/** Gives the connection up without prejudice: what has come can be read, then the body ends with `KVS_HELD_BACK`. */
	holdBack(): void {
		if (this.#isOver) return;
		this.#failure ??= new ArchiveError(
			'KVS_HELD_BACK',
			'the connection was closed to free memory for other responses',
			{
				retryable: true,
			},
		);
		this.#source?.destroy(this.#failure);
		this.#stopHolding();
	}

	override _read(): void {
		this.#isWanted = true;
		this.#serve();
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#isOver = true;
		this.#chunks = [];
		this.#options.budget.give(this.#account, this.#account.heldBytes);
		this.#abort.abort();
		this.#source?.destroy();
		this.#stopHolding();
		callback(error);
	}

	#accept(chunk: Uint8Array): void {
		const { budget, maxSizeBytes, stallMs } = this.#options;
		this.#sinceProgressBytes += chunk.byteLength;
		if (this.#sinceProgressBytes * 1000 >= MIN_BYTES_PER_SECOND * stallMs) this.#progress();
		if (this.destroyed) return;
		this.#leftBytes -= chunk.byteLength;
		if (this.#leftBytes < 0) {
			const message = `the response has more than ${maxSizeBytes} bytes, which is more than its fragments were listed with`;
			throw new MediaError('KVS_MKV_MALFORMED', message);
		}
		this.#chunks.push(chunk);
		budget.take(this.#account, chunk.byteLength);
		this.#serve();
	}

	async #waitFor(room: BudgetRoom): Promise<void> {
		const { clock, maxHoldMs } = this.#options;
		this.#isHolding = true;
		this.#stopHolding = room.leave;
		const waited = new AbortController();
		const tooLong = clock.sleep(maxHoldMs, { signal: waited.signal, isBackground: true }).then(
			() => this.holdBack(),
			() => {},
		);
		await Promise.race([room.admitted, tooLong]);
		room.leave();
		waited.abort();
		this.#isHolding = false;
		this.#progress();
	}

	#progress(): void {
		this.#lastProgressMs = this.#options.clock.now();
		this.#sinceProgressBytes = 0;
	}

	/** Ends a connection on which nothing comes. The time in which we do not read does not count. */
	#watch(source: Readable, signal: AbortSignal): { stop(): Promise<void> } {
		const { clock, stallMs } = this.#options;
		const stopped = new AbortController();
		this.#progress();
		const watching = (async () => {
			for (let leftMs = stallMs; leftMs > 0; leftMs = this.#lastProgressMs + stallMs - clock.now()) {
				await clock.sleep(leftMs, { signal: AbortSignal.any([signal, stopped.signal]), isBackground: true });
				await whatHasCome();
				if (this.#isHolding) this.#progress();
			}
			const came =
				this.#sinceProgressBytes === 0 ? 'nothing' : `only ${counted(this.#sinceProgressBytes, 'byte')}`;
			source.destroy(
				new ArchiveError('KVS_STALLED', `${came} received in ${stallMs} ms`, { retryable: true }),
			);
		})().catch(() => {});
		return {
			stop() {
				stopped.abort();
				return watching;
			},
		};
	}

	#serve(): void {
		if (!this.#isWanted || this.destroyed) return;
		const chunk = this.#chunks.shift();
		if (chunk !== undefined) {
			this.#isWanted = false;
			this.#options.budget.give(this.#account, chunk.byteLength);
			this.push(chunk);
		} else if (this.#isOver) {
			this.#isWanted = false;
			if (this.#failure === null) this.push(null);
			else this.destroy(this.#failure);
		}
	}
}
