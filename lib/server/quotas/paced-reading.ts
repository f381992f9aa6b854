import type { MonotonicClock } from '../monotonic-clock.js';
import { FragmentPace } from './fragment-pace.js';
import { pacedBody } from './paced-body.js';
import type { QuotaValues } from './quota-values.js';

/** What a {@link PacedReading} works with. */
export interface PacedReadingOptions {
	readonly quotas: Pick<QuotaValues, 'putMediaBytesPerSecond' | 'putMediaFragmentsPerSecond'>;
	readonly clock: MonotonicClock;
	/** Aborted when the connection has ended. */
	readonly signal: AbortSignal;
	/** Called with each wait that may take longer than a moment; what it returns is waited for. */
	readonly pause: (wait: Promise<void>) => Promise<void>;
}

/** Reads the body of a PutMedia no faster than its quotas allow; above them reading pauses. */
export class PacedReading {
	readonly #options: PacedReadingOptions;
	readonly #pace: FragmentPace | null;

	constructor(options: PacedReadingOptions) {
		this.#options = options;
		const { putMediaFragmentsPerSecond: perSecond } = options.quotas;
		this.#pace = perSecond === Number.POSITIVE_INFINITY ? null : new FragmentPace(perSecond, options.clock);
	}

	/** A fragment begins in what was read. */
	fragmentBegins(): void {
		this.#pace?.add();
	}

	/** The body's bytes. Rejects where the signal is aborted while it waits. */
	read(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
		const { quotas, clock, signal } = this.#options;
		const { putMediaBytesPerSecond: bytesPerSecond } = quotas;
		const isPaced = bytesPerSecond !== Number.POSITIVE_INFINITY;
		const paced = isPaced ? pacedBody(body, { bytesPerSecond, clock, signal }) : body;
		return this.#pace === null ? paced : this.#whenDue(paced, this.#pace);
	}

	async *#whenDue(body: AsyncIterable<Uint8Array>, pace: FragmentPace): AsyncGenerator<Uint8Array> {
		const { clock, signal, pause } = this.#options;
		for await (const bytes of body) {
			const { waitMs } = pace;
			if (waitMs > 0) await pause(clock.sleep(waitMs, signal));
			yield bytes;
		}
	}
}
