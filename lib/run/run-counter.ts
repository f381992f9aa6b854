import type { CallRecord } from '../aws/call-record.js';
import type { FragmentEvent, RunEvent } from '../model/media-event.js';
import type { Progress } from '../model/progress.js';
import type { RunStart } from '../model/run-start.js';
import { type FailedFragment, MAX_NAMED_FAILURES, type RunSummary } from '../model/run-summary.js';
import type { ResolvedTimeRange } from '../model/time-range.js';
import type { Clock } from '../pace/clock.js';

/** Counts what a run does, for its progress and its summary. */
export class RunCounter {
	readonly #clock: Clock;
	readonly #range: ResolvedTimeRange;
	readonly #countsGaps: boolean;
	readonly #startMs: number;
	/** Start of the fragment that was delivered last, on the range's clock. */
	#positionMs: number;
	#retries = 0;
	#fragments = 0;
	#delivered = 0;
	#failed = 0;
	#missing = 0;
	#skipped = 0;
	readonly #failures: FailedFragment[] = [];
	#frames = 0;
	#bytes = 0;
	#gaps = 0;
	#calls = 0;
	#throttled = 0;

	/** `countsGaps`: whether what is missing between two fragments is a gap. */
	constructor(clock: Clock, range: ResolvedTimeRange, { countsGaps = true } = {}) {
		this.#countsGaps = countsGaps;
		this.#clock = clock;
		this.#range = range;
		this.#startMs = clock.now();
		this.#positionMs = range.fromMs;
	}

	/** Adds what an earlier run of the same range counted. */
	resumed({ totals, failures }: Pick<RunStart, 'totals' | 'failures'>): void {
		this.#delivered += totals.delivered;
		this.#failed += totals.failed;
		this.#missing += totals.missing;
		this.#skipped += totals.skipped;
		this.#frames += totals.frames;
		this.#bytes += totals.bytes;
		this.#gaps += totals.gaps;
		for (const failure of failures) this.#name(failure);
	}

	/** Fragments were listed. */
	listed(count: number): void {
		this.#fragments += count;
	}

	/** A request has ended, with a response or an error. */
	call({ outcome }: CallRecord): void {
		this.#calls++;
		if (outcome === 'throttled') this.#throttled++;
	}

	/** A response is requested again. */
	retry(): void {
		this.#retries++;
	}

	/** An event came out of the demuxer. */
	event(event: RunEvent): void {
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
				this.#name(event);
				break;
			case 'gap':
				if (this.#countsGaps) this.#gaps++;
				break;
			case 'fragment-skipped':
				this.#skipped++;
				this.#comeTo(event);
				break;
			case 'fragment':
				this.#comeTo(event);
				break;
		}
	}

	/** Milliseconds since the run began. */
	get elapsedMs(): number {
		return this.#clock.now() - this.#startMs;
	}

	/** How far the run has come. */
	progress(): Progress {
		const { gaps: _, failures: __, isComplete: ___, ...counted } = this.summary();
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
			isComplete: this.#failed + this.#missing === 0,
			fragments: this.#fragments,
			delivered: this.#delivered,
			failed: this.#failed,
			missing: this.#missing,
			skipped: this.#skipped,
			failures: [...this.#failures],
			frames: this.#frames,
			bytes: this.#bytes,
			gaps: this.#gaps,
			calls: this.#calls,
			throttled: this.#throttled,
			elapsedMs: this.elapsedMs,
		};
	}

	#comeTo({
		serverTimestamp,
		producerTimestamp,
	}: Pick<FragmentEvent, 'serverTimestamp' | 'producerTimestamp'>): void {
		const start = this.#range.by === 'server' ? serverTimestamp : producerTimestamp;
		this.#positionMs = start?.getTime() ?? this.#positionMs;
	}

	#name({ fragmentNumber, code, name, message }: FailedFragment): void {
		if (this.#failures.length === MAX_NAMED_FAILURES) return;
		this.#failures.push({ fragmentNumber, code, name, message });
	}
}
