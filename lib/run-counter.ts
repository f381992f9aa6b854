import type { CallRecord } from './aws/archive-client.js';
import type { MediaEvent } from './model/media-event.js';
import type { RunSummary } from './model/run-summary.js';
import type { Clock } from './pace/clock.js';

/** Counts what a run does, for its summary. */
export class RunCounter {
	readonly #clock: Clock;
	readonly #startMs: number;
	#fragments = 0;
	#delivered = 0;
	#failed = 0;
	#missing = 0;
	#frames = 0;
	#bytes = 0;
	#gaps = 0;
	#calls = 0;
	#throttled = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
		this.#startMs = clock.now();
	}

	/** So many fragments were listed. */
	listed(count: number): void {
		this.#fragments += count;
	}

	/** A request was answered, or failed. */
	call({ outcome }: CallRecord): void {
		this.#calls++;
		if (outcome === 'throttled') this.#throttled++;
	}

	/** An event came out of the demuxer. */
	event(event: MediaEvent): void {
		switch (event.type) {
			case 'frame':
				this.#frames++;
				this.#bytes += event.data.byteLength;
				break;
			case 'fragment-end':
				if (event.complete) this.#delivered++;
				break;
			case 'fragment-failure':
				if (event.name === 'MISSING') this.#missing++;
				else this.#failed++;
				break;
			case 'gap':
				this.#gaps++;
				break;
			case 'fragment':
				break;
		}
	}

	/** What has been counted so far. */
	summary(): RunSummary {
		return {
			fragments: this.#fragments,
			delivered: this.#delivered,
			failed: this.#failed,
			missing: this.#missing,
			frames: this.#frames,
			bytes: this.#bytes,
			gaps: this.#gaps,
			calls: this.#calls,
			throttled: this.#throttled,
			elapsedMs: this.#clock.now() - this.#startMs,
		};
	}
}
