/*
 * What work takes, as far as it was measured, and what is assumed where it cannot be measured here.
 */

/** By `npm run bench:scale`, in milliseconds of processor time on a virtual core of 2026 with Node 20. */
export const PROCESSOR = {
	callMs: 8,
	openArchiveMs: 4,
	fragmentMs: 0.6,
	mbMs: 1.9,
	/** A fifth for TLS, of a MB; see docs/quotas.md. */
	tlsFactor: 1.2,
} as const;

/** Of an export, by the 2 GB of `bench:export`: 12 s. */
export const EXPORT_MB_MS = 6;

/**
 * Commands that a worker sends to Redis for a recurring job of BullMQ 6.7.0: 989 scripts and 35 blocking reads for 416 jobs of 40
 * schedulers, 16 at once. Within the scripts there were 42 commands a job.
 */
export const QUEUE_OPERATIONS_PER_JOB = 2.5;

/** Of a checkpoint in Redis: it is read, which takes the lease, saved, and given up. */
export const CHECKPOINT_OPERATIONS_PER_JOB = 3;

/** Archives that a worker keeps open, as lib/bullmq/archive-pool.ts does. */
export const KEPT_ARCHIVES = 200;

/** The share of a core that is planned with: above it what comes at once waits too long. */
export const PLANNED_LOAD = 0.6;

/** A worker: one virtual core and 2 GB, `work --streams 64`. */
export const WORKER = { vcpus: 1, memoryGb: 2, jobsAtOnce: 64 } as const;

/** Assumed, not measured: the service's delays, in milliseconds, from and to; and that of Redis in the same zone. */
export const SERVICE = {
	listMs: [20, 60],
	mediaMs: [40, 120],
	/** From a fragment's end until it is listed. */
	listedAfterMs: [300, 1500],
	redisMs: 1,
} as const;
