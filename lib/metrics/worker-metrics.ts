import type { MetricFamily } from './exposition.js';
import { FollowMetrics } from './follow-metrics.js';
import { LabelledCounter } from './labelled-counter.js';
import type { MetricSource } from './metric-source.js';

/** Slices, and turns of following a stream. */
export type JobKind = 'slice' | 'turn';

/** How a job ended; `handed-back`: it is in the queue again, as the worker ends. */
export type JobOutcome = 'done' | 'failed' | 'handed-back';

/** When a job was put into the queue, was due after that, and was begun; in epoch milliseconds but for `delay`. */
export interface MeasuredJob {
	readonly timestamp: number;
	readonly opts: { readonly delay?: number | undefined };
	readonly processedOn?: number | undefined;
}

const KINDS: readonly JobKind[] = ['slice', 'turn'];

/**
 * Measures an `ArchiveWorker`, which it is given to (`metrics`), for `serveMetrics` of `kvs-archive`: its jobs, and the streams that it
 * follows, as `FollowMetrics` does; the lag of a stream only while it has its turn here, as other workers follow it too.
 */
export class WorkerMetrics implements MetricSource {
	/** Of the turns. */
	readonly follow = new FollowMetrics({ isShared: true });
	readonly #active: Record<JobKind, number> = { slice: 0, turn: 0 };
	/** How long the job that was begun last had waited, in milliseconds. */
	readonly #waitedMs = new Map<JobKind, number>();
	readonly #jobs = new LabelledCounter(
		'kvs_archive_jobs_total',
		'Jobs by kind (slice, or turn of following a stream) and outcome: done, failed or handed-back.',
	);

	/** Called by the worker, when it begins a job. What it returns is to be called with the outcome. */
	begin(
		kind: JobKind,
		{ timestamp, opts: { delay = 0 }, processedOn }: MeasuredJob,
	): (outcome: JobOutcome) => void {
		this.#active[kind]++;
		this.#waitedMs.set(kind, Math.max(0, (processedOn ?? timestamp) - timestamp - delay));
		return (outcome) => {
			this.#active[kind]--;
			this.#jobs.add({ kind, outcome });
		};
	}

	/** What was counted so far, and what is true now. */
	families(): MetricFamily[] {
		return [
			this.#jobs.family(),
			{
				name: 'kvs_archive_active_jobs',
				type: 'gauge',
				help: 'Jobs that are being done.',
				samples: KINDS.map((kind) => ({ labels: { kind }, value: this.#active[kind] })),
			},
			{
				name: 'kvs_archive_job_wait_seconds',
				type: 'gauge',
				help: 'How long the job that was begun last had waited since it was due.',
				samples: [...this.#waitedMs].map(([kind, waitedMs]) => ({
					labels: { kind },
					value: waitedMs / 1000,
				})),
			},
			...this.follow.families(),
		];
	}

	/** The streams that lag by more while they have their turn, and turns that wait for longer: then there are too few workers. */
	troubles(maxLagMs: number): string[] {
		const waitedMs = this.#waitedMs.get('turn') ?? 0;
		const late =
			waitedMs > maxLagMs
				? [`the last turn of a stream had waited ${waitedMs / 1000} s, more than ${maxLagMs / 1000} s`]
				: [];
		return [...late, ...this.follow.troubles(maxLagMs)];
	}
}
