import type { Readable } from 'node:stream';
import type { MediaEvent } from '../model/media-event.js';

/** What an {@link EventReader} reads: a stream of events in arrays. */
export interface EventBatches extends Readable {
	batches(): AsyncIterable<MediaEvent[]>;
}

/**
 * Reads one of several streams that are joined: looks whether there are events without taking them, and says when there are. Holds
 * one array at a time.
 */
export class EventReader {
	readonly #stream: Readable;
	readonly #batches: AsyncIterator<MediaEvent[]>;
	readonly #onChange: () => void;
	#events: readonly MediaEvent[] = [];
	#position = 0;
	#isAsking = false;
	#isOver = false;
	#error: Error | null = null;

	/** `onChange` is called when events have come, and when none will any more. */
	constructor(stream: EventBatches, onChange: () => void) {
		this.#stream = stream;
		this.#batches = stream.batches()[Symbol.asyncIterator]();
		this.#onChange = onChange;
	}

	/** Whether none will come any more. */
	get isOver(): boolean {
		return this.#isOver;
	}

	/** What the stream has failed with. */
	get error(): Error | null {
		return this.#error;
	}

	/** The next event; undefined where none has come. */
	get next(): MediaEvent | undefined {
		return this.#events[this.#position];
	}

	/** Takes the next event. */
	skip(): void {
		this.#position++;
	}

	/** Asks for events, where there are none and none were asked for. */
	ask(): void {
		if (this.#isAsking || this.#isOver || this.next !== undefined) return;
		this.#isAsking = true;
		void this.#take();
	}

	async #take(): Promise<void> {
		try {
			const { done, value } = await this.#batches.next();
			this.#isOver = done === true;
			this.#events = value ?? [];
			this.#position = 0;
		} catch (error) {
			this.#isOver = true;
			this.#error = error as Error;
		}
		this.#isAsking = false;
		this.#onChange();
	}

	/** Closes the stream. */
	close(): void {
		this.#stream.destroy();
	}
}
