import { InvalidOptionError } from '../errors.js';
import type { KvsArchiveOptions } from '../index.js';
import type { WorkerMetrics } from '../metrics/worker-metrics.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { FollowJob } from './follow-job.js';
import type { TurnResult } from './follow-turn.js';
import { type OutputPlaces, outputPlacesOf } from './places/output-places.js';
import type { QueueOptions } from './queue-connection.js';
import type { SliceJob } from './slice-job.js';
import type { SliceResult } from './slice-result.js';

/** Options of {@link ArchiveWorker}. */
export interface ArchiveWorkerOptions extends QueueOptions {
	/**
	 * What everything is written below: a folder, made where it is not there, or `s3://BUCKET/PREFIX/` (needs `@aws-sdk/client-s3`), once or
	 * more, or both. @default '.'
	 */
	readonly out?: string | readonly string[] | undefined;
	/** The folder below which handler modules are. @default '.' */
	readonly handlers?: string | undefined;
	/** Slices at once. @default 1 */
	readonly concurrency?: number | undefined;
	/**
	 * For how long a job stays this worker's without a sign of life, in milliseconds: jobs of a worker that was killed are taken over
	 * after that and a half of it. @default 10000
	 */
	readonly lockMs?: number | undefined;
	/** How streams are read. @default the SDK's own credentials, and quotas that are shared by all workers on this Redis */
	readonly client?: Pick<KvsArchiveOptions, 'credentials' | 'profile' | 'limiter' | 'quotas'> | undefined;
	/** The ffmpeg to decode with. @default the one in the PATH */
	readonly ffmpeg?: string | undefined;
	/** Decoders at once, of each slice. @default as many as there are processors */
	readonly decoders?: number | undefined;
	/** Streams that are followed at once, besides the slices. @default 8 */
	readonly streams?: number | undefined;
	/** Where it is measured, for Prometheus. @default not measured */
	readonly metrics?: WorkerMetrics | undefined;
	/** Called when an attempt at a slice is over. */
	readonly onSlice?: ((attempt: SliceAttempt) => void) | undefined;
	/** Called when a turn of following a stream is over. */
	readonly onTurn?: ((turn: FollowTurn) => void) | undefined;
}

/** An attempt at a slice. */
export interface SliceAttempt {
	readonly job: Pick<SliceJob, 'stream' | 'from' | 'to'>;
	/** Null where it failed. */
	readonly result: SliceResult | null;
	readonly error: Error | null;
}

/** A turn of following a stream. */
export interface FollowTurn {
	readonly job: Pick<FollowJob, 'stream' | 'consumer'>;
	/** Null where it failed. */
	readonly result: TurnResult | null;
	readonly error: Error | null;
}

const OPTION_NAMES: OptionNames<ArchiveWorkerOptions> = {
	url: true,
	name: true,
	onTrouble: true,
	out: true,
	handlers: true,
	concurrency: true,
	lockMs: true,
	client: true,
	ffmpeg: true,
	decoders: true,
	streams: true,
	metrics: true,
	onSlice: true,
	onTurn: true,
};

/** {@link ArchiveWorkerOptions} that were checked. */
export interface ResolvedWorkerOptions extends Omit<ArchiveWorkerOptions, 'out'> {
	readonly out: OutputPlaces;
	readonly handlers: string;
	readonly concurrency: number;
	readonly streams: number;
	readonly lockMs: number;
	readonly onTrouble: (error: Error) => void;
}

const DEFAULT_LOCK_MS = 10_000;
const DEFAULT_STREAMS = 8;

/** Checks options, but for those of the queue. Throws `InvalidOptionError`. */
export function resolveWorkerOptions(options: ArchiveWorkerOptions): ResolvedWorkerOptions {
	checkOptionNames(options, OPTION_NAMES);
	const { concurrency = 1, streams = DEFAULT_STREAMS, lockMs = DEFAULT_LOCK_MS, decoders = 1 } = options;
	for (const [option, value] of Object.entries({ concurrency, streams, lockMs, decoders })) {
		if (Number.isSafeInteger(value) && value >= 1) continue;
		throw new InvalidOptionError(option, 'a whole number of at least 1', value);
	}
	const { out = '.', handlers = '.', onTrouble = () => {} } = options;
	return { ...options, out: outputPlacesOf(out), handlers, concurrency, streams, lockMs, onTrouble };
}
