import type { CallRecord } from './aws/archive-client.js';
import type { MediaEvent } from './model/media-event.js';
import type { Progress } from './model/progress.js';
import type { RunSummary } from './model/run-summary.js';
import type { ResolvedTimeRange } from './model/time-range.js';
import type { Clock } from './pace/clock.js';

/** Counts what a run does, for its progress and its summary. */
export class RunCounter {
	readonly #clock: Clock;
	readonly #range: ResolvedTimeRange;
	readonly #startMs: number;
	/** Start of the fragment that was given out last, on the range's clock. */
	#positionMs: number;
	#retries = 0;
	#fragments = 0;
	#delivered = 0;
	#failed = 0;
	#missing = 0;
	#frames = 0;
	#bytes = 0;
	#gaps = 0;
	#calls = 0;
	#throttled = 0;

	constructor(clock: Clock, range: ResolvedTimeRange) {
		this.#clock = clock;
		this.#range = range;
		this.#startMs = clock.now();
		this.#positionMs = range.fromMs;
	}

	/** What an earlier run has done of it counts too. */
	resumed(done: Pick<RunSummary, 'delivered' | 'failed' | 'missing' | 'frames' | 'bytes' | 'gaps'>): void {
		this.#delivered += done.delivered;
		this.#failed += done.failed;
		this.#missing += done.missing;
		this.#frames += done.frames;
		this.#bytes += done.bytes;
		this.#gaps += done.gaps;
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

	/** An answer is asked for again. */
	retry(): void {
		this.#retries++;
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
			case 'fragment': {
				const start = this.#range.by === 'server' ? event.serverTimestamp : event.producerTimestamp;
				this.#positionMs = start?.getTime() ?? this.#positionMs;
				break;
			}
		}
	}

	/** Milliseconds since the run began. */
	get elapsedMs(): number {
		return this.#clock.now() - this.#startMs;
	}

	/** How far the run has come. */
	progress(): Progress {
		const { gaps: _, ...counted } = this.summary();
		const { fromMs, toMs } = this.#range;
		const share = (this.#positionMs - fromMs) / Math.max(1, toMs - fromMs);
		const fraction = Math.min(1, Math.max(0, share));
		const { elapsedMs, bytes } = counted;
		return {
			...counted,
			retries: this.#retries,
			bytesPerSecond: elapsedMs === 0 ? 0 : (bytes * 1000) / elapsedMs,
			fraction,
			remainingMs: fraction === 0 ? null : (elapsedMs * (1 - fraction)) / fraction,
		};
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
			elapsedMs: this.elapsedMs,
		};
	}
}
