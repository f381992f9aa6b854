import { InvalidOptionError } from '../errors.js';
import { checkMaxBufferedBytes } from '../fetch/media-fetcher.js';
import { checkWhere, type Where } from '../frames/where.js';
import type { FollowMetrics } from '../metrics/follow-metrics.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import { checkOptionNames, type OptionNames } from '../model/known-options.js';
import type { Clock } from '../pace/clock.js';
import type { CheckpointStore } from './checkpoint.js';

/** How a stream is followed. */
export interface FollowOptions {
	/**
	 * Where to begin, by the server's clock: `now`, with what comes from now on; `earliest`, with the oldest that is stored; or a
	 * time. A checkpoint wins. @default 'now'
	 */
	readonly from?: Instant | undefined;
	/**
	 * Server time of the last fragment that is wanted; or `caught-up`: ends after the first event of that type, when what is stored now
	 * is done, for a call that is made again and again with a checkpoint. @default without end
	 */
	readonly until?: Instant | undefined;
	/**
	 * How media comes. `listing`: it is listed every second, and read when it is stored whole. `live`: with lower delay through
	 * GetMedia, which takes one of the three connections that a stream has for it; every ten seconds it is listed, and what GetMedia
	 * has left out comes by the second listing, after what was given out by then. `caught-up` is said with those listings. What is
	 * stored already comes by listing in both, and one checkpoint serves both. @default 'listing'
	 */
	readonly via?: 'listing' | 'live' | undefined;
	/** Where it is kept what is done, so that another process goes on from there. Closed with the stream. */
	readonly checkpoint?: CheckpointStore | undefined;
	/** The name that the checkpoint is kept under; one consumer of a name at a time. @default 'default' */
	readonly consumer?: string | undefined;
	/**
	 * When a fragment is done. `auto`: when what comes after its `fragment-end` is asked for; `manual`: when `ack` was called
	 * with its number. @default 'auto'
	 */
	readonly ack?: 'auto' | 'manual' | undefined;
	/**
	 * Only fragments that carry all of these tags, or of which the function says so; see `RunOptions.where`. The checkpoint moves past
	 * the others by itself. @default all
	 */
	readonly where?: Where | undefined;
	/** Where it is measured, for Prometheus; may measure others too. @default not measured */
	readonly metrics?: FollowMetrics | undefined;
	/**
	 * Called where the service cannot be reached twice in a row, and is tried again for as long as that takes; once until it was reached
	 * again. @default nothing is said
	 */
	readonly onUnreachable?: ((error: Error) => void) | undefined;
	/** The most media that may be held before it is read, in bytes. @default 128 MiB */
	readonly maxBufferedBytes?: number | undefined;
	/** Ends it; it then rejects with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
}

/** The names of {@link FollowOptions}. */
export const FOLLOW_OPTION_NAMES: OptionNames<FollowOptions> = {
	from: true,
	until: true,
	via: true,
	checkpoint: true,
	consumer: true,
	ack: true,
	where: true,
	metrics: true,
	onUnreachable: true,
	maxBufferedBytes: true,
	signal: true,
};

const CONSUMER_PATTERN = /^[a-zA-Z0-9_.-]{1,256}$/;

/** {@link FollowOptions} that were checked. */
export interface ResolvedFollowOptions {
	/** Epoch milliseconds. */
	readonly fromMs: number;
	/** Epoch milliseconds; Infinity: without end. */
	readonly untilMs: number;
	/** Whether it ends with the first `caught-up`. */
	readonly endsCaughtUp: boolean;
	readonly consumer: string;
	readonly isManual: boolean;
	readonly isLive: boolean;
}

/** Checks options. Throws {@link InvalidOptionError}. */
export function resolveFollowOptions(options: FollowOptions, clock: Clock): ResolvedFollowOptions {
	checkOptionNames(options, FOLLOW_OPTION_NAMES);
	checkWhere(options);
	const { from = 'now', until, via = 'listing', consumer = 'default', ack = 'auto' } = options;
	if (options.maxBufferedBytes !== undefined) checkMaxBufferedBytes(options.maxBufferedBytes);
	if (typeof consumer !== 'string' || !CONSUMER_PATTERN.test(consumer)) {
		throw new InvalidOptionError(
			'consumer',
			'1 to 256 of the characters a-z, A-Z, 0-9, _, . and -',
			consumer,
		);
	}
	if (ack !== 'auto' && ack !== 'manual') throw new InvalidOptionError('ack', "'auto' or 'manual'", ack);
	if (via !== 'listing' && via !== 'live') throw new InvalidOptionError('via', "'listing' or 'live'", via);
	const nowMs = clock.now();
	const fromMs = from === 'now' ? nowMs : from === 'earliest' ? 0 : resolveInstant('from', from);
	const endsCaughtUp = until === 'caught-up';
	const untilMs =
		until === undefined || endsCaughtUp ? Number.POSITIVE_INFINITY : resolveInstant('until', until);
	if (untilMs < fromMs) {
		throw new InvalidOptionError('until', `at or after \`from\` (${new Date(fromMs).toISOString()})`, until);
	}
	return { fromMs, untilMs, endsCaughtUp, consumer, isManual: ack === 'manual', isLive: via === 'live' };
}

/** What the checkpoint of a consumer of a stream (name or ARN) is kept under. */
export function checkpointKey(stream: string, consumer: string): string {
	return `${stream}/${consumer}`;
}
