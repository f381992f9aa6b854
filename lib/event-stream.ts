import type { Readable } from 'node:stream';
import { FragmentError } from './errors.js';
import type { MediaEvent } from './model/media-event.js';
import type { RunSummary } from './model/run-summary.js';
import type { RunCounter } from './run-counter.js';
import { Stage } from './stream/stage.js';

/**
 * The events of a run: a Readable in object mode, typed in `for await`. Leaving the loop early is a normal end and closes
 * everything behind it.
 */
export interface EventStream<E = MediaEvent> extends Readable {
	[Symbol.asyncIterator](): NodeJS.AsyncIterator<E>;
	/** The same events in the arrays in which they came about, which costs less for each. Instead of the other, not beside it. */
	batches(): AsyncIterable<E[]>;
	/** What became of the run. Resolves when it is over, however it ended; never rejects. */
	readonly summary: Promise<RunSummary>;
}

/** What the last stage of a run does with its events. */
export interface EventOutletOptions<E> {
	readonly counter: RunCounter;
	/** What of a batch goes out. */
	readonly pick: (events: readonly MediaEvent[]) => E[];
	/** Ends the run with a {@link FragmentError} at the first failure. */
	readonly strict: boolean;
}

/** The last stage of a run: counts events and hands them to the caller. */
export class EventOutlet<E> extends Stage<readonly MediaEvent[], E> implements EventStream<E> {
	readonly summary: Promise<RunSummary>;
	readonly #options: EventOutletOptions<E>;
	#resolveSummary: (summary: RunSummary) => void = () => {};

	constructor(options: EventOutletOptions<E>) {
		super();
		this.#options = options;
		this.summary = new Promise((resolve) => {
			this.#resolveSummary = resolve;
		});
	}

	override [Symbol.asyncIterator](): NodeJS.AsyncIterator<E> {
		return super[Symbol.asyncIterator]();
	}

	protected override *process(events: readonly MediaEvent[]): Generator<E[]> {
		const { counter, pick, strict } = this.#options;
		for (const [index, event] of events.entries()) {
			counter.event(event);
			if (strict && event.type === 'fragment-failure') {
				yield pick(events.slice(0, index));
				throw new FragmentError(event.fragmentNumber, event.message, event.retryable);
			}
		}
		yield pick(events);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#resolveSummary(this.#options.counter.summary());
		super._destroy(error, callback);
	}
}
