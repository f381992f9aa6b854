import type { CallRecord } from '../aws/call-record.js';
import type { RunSummary } from '../model/run-summary.js';
import { type Clock, systemClock } from '../pace/clock.js';
import { type MetricFamily, type MetricSample, renderMetrics } from './exposition.js';
import { LabelledCounter } from './labelled-counter.js';
import { lagTrouble, type MetricSource } from './metric-source.js';

/** What a follower counts. */
export type FollowCounts = Pick<
	RunSummary,
	'delivered' | 'failed' | 'missing' | 'skipped' | 'frames' | 'bytes' | 'gaps'
>;

const NOTHING: FollowCounts = {
	delivered: 0,
	failed: 0,
	missing: 0,
	skipped: 0,
	frames: 0,
	bytes: 0,
	gaps: 0,
};

/** A follower, as it is read while it runs. */
export interface MeasuredFollower {
	/** What it has counted so far; null before its first request. */
	readonly counts: () => FollowCounts | null;
	/** The time up to which everything that was listed is done, epoch milliseconds; null before that is known. */
	readonly handledUntilMs: () => number | null;
	/** When its checkpoint was saved or loaded last, epoch milliseconds; null without one. */
	readonly savedMs: () => number | null;
}

/** One stream, over all that have followed it. */
interface MeasuredStream {
	readonly running: Set<MeasuredFollower>;
	/** What those that have ended had counted. */
	ended: FollowCounts;
	/** What followers had handled that have ended, or when the first began, epoch milliseconds. */
	handledUntilMs: number;
	/** When the last of them ended, epoch milliseconds; null before. */
	endedMs: number | null;
	savedMs: number | null;
}

/** For how long the lag at the end of a turn is said, where others may follow the stream next, in milliseconds: longer than scrapes are apart. */
const SHARED_LAG_KEPT_MS = 60_000;

/**
 * Measures what is followed, for Prometheus: give it to `archive.follow({ metrics })` or `archive.record`, the same to as many
 * as are to be measured together, and to {@link serveMetrics}; or send {@link text} yourself. It counts across the followers of a
 * stream, one after the other, and costs nothing between two readings.
 *
 * The lag of a stream is the age of the oldest fragment that is listed and not done; where everything is done, the time since
 * a listing that brought nothing new was begun, or since the newest fragment began. So it grows when the consumer is slow, when
 * the service is unreachable and when the last follower has ended, and not when the camera is silent.
 */
export class FollowMetrics implements MetricSource {
	readonly #clock: Clock;
	readonly #isShared: boolean;
	readonly #streams = new Map<string, MeasuredStream>();
	readonly #calls = new LabelledCounter(
		'kvs_archive_calls_total',
		'Calls to the service, by operation and outcome: succeeded, throttled or failed.',
	);

	/**
	 * `clock`: that of the followers, by default the machine's own. `isShared`: other processes follow the same streams in turn with this
	 * one, so that the lag of a stream stays as it is when its follower here ends, and is not known a minute later; by default it grows.
	 */
	constructor({
		clock = systemClock,
		isShared = false,
	}: { readonly clock?: Clock | undefined; readonly isShared?: boolean | undefined } = {}) {
		this.#clock = clock;
		this.#isShared = isShared;
	}

	/**
	 * A follower begins. `call` is to be called with each of its requests, `end` at its end.
	 * @internal
	 */
	begin(
		stream: string,
		follower: MeasuredFollower,
	): { readonly call: (call: CallRecord) => void; readonly end: () => void } {
		const nowMs = this.#clock.now();
		const measured = this.#streams.get(stream) ?? {
			running: new Set(),
			ended: NOTHING,
			handledUntilMs: nowMs,
			endedMs: null,
			savedMs: null,
		};
		// Others may have followed it meanwhile.
		if (this.#isShared && measured.running.size === 0) measured.handledUntilMs = nowMs;
		this.#streams.set(stream, measured);
		measured.running.add(follower);
		return {
			call: ({ operation, outcome }) => this.#calls.add({ stream, operation, outcome }),
			end: () => {
				if (!measured.running.delete(follower)) return;
				measured.ended = sum(measured.ended, follower.counts() ?? NOTHING);
				measured.handledUntilMs = follower.handledUntilMs() ?? measured.handledUntilMs;
				measured.endedMs = this.#clock.now();
				measured.savedMs = follower.savedMs() ?? measured.savedMs;
			},
		};
	}

	/** Drops a stream that is followed elsewhere now, or not any more: its lag would grow. */
	forget(stream: string): void {
		this.#streams.delete(stream);
		this.#calls.forget((labels) => labels['stream'] === stream);
	}

	/** What was counted so far, and what is true now. */
	families(): MetricFamily[] {
		const counts = [...this.#streams].map(([stream, { running, ended }]) => ({
			stream,
			...[...running].reduce((total, follower) => sum(total, follower.counts() ?? NOTHING), ended),
		}));
		const counted = (name: string, help: string, field: keyof FollowCounts): MetricFamily => ({
			name,
			type: 'counter',
			help,
			samples: counts.map(({ stream, [field]: value }) => ({ labels: { stream }, value })),
		});
		const fragments = counts.flatMap(({ stream, ...values }) =>
			(['delivered', 'failed', 'missing', 'skipped'] as const).map((outcome) => ({
				labels: { stream, outcome },
				value: values[outcome],
			})),
		);
		return [
			this.#gauge(
				'kvs_archive_lag_seconds',
				'How far a follower is from the newest that is listed.',
				(measured) => this.#lagMs(measured),
			),
			this.#gauge(
				'kvs_archive_checkpoint_age_seconds',
				'Time since the checkpoint was saved or loaded.',
				({ running, savedMs }) => {
					const times = [...running].flatMap((follower) => follower.savedMs() ?? []);
					const newestMs = times.length === 0 ? savedMs : Math.max(...times);
					return newestMs === null ? null : this.#clock.now() - newestMs;
				},
			),
			{
				name: 'kvs_archive_fragments_total',
				type: 'counter',
				help: 'Fragments, by outcome: delivered, failed, missing, or skipped as `where` says.',
				samples: fragments,
			},
			counted('kvs_archive_frames_total', 'Frames.', 'frames'),
			counted('kvs_archive_media_bytes_total', 'Sum of the sizes of the frames.', 'bytes'),
			counted('kvs_archive_gaps_total', 'Gaps and overlaps of every kind between fragments.', 'gaps'),
			this.#calls.family(),
		];
	}

	/** The streams that lag by more. */
	troubles(maxLagMs: number): string[] {
		return [...this.#streams].flatMap(([stream, measured]) => {
			const lagMs = this.#lagMs(measured);
			return lagMs !== null && lagMs > maxLagMs ? [lagTrouble(stream, lagMs, maxLagMs)] : [];
		});
	}

	/** All of it as the text that Prometheus reads; its media type is `text/plain; version=0.0.4`. */
	text(): string {
		return renderMetrics(this.families());
	}

	#lagMs({ running, handledUntilMs, endedMs }: MeasuredStream): number | null {
		let nowMs = this.#clock.now();
		if (this.#isShared && running.size === 0 && endedMs !== null) {
			if (nowMs - endedMs > SHARED_LAG_KEPT_MS) return null;
			nowMs = endedMs;
		}
		const times = [...running].map((follower) => follower.handledUntilMs() ?? handledUntilMs);
		// The server's clock may be ahead of ours.
		return Math.max(0, nowMs - (times.length === 0 ? handledUntilMs : Math.min(...times)));
	}

	#gauge(name: string, help: string, ms: (measured: MeasuredStream) => number | null): MetricFamily {
		const samples = [...this.#streams].flatMap(([stream, measured]): MetricSample[] => {
			const value = ms(measured);
			return value === null ? [] : [{ labels: { stream }, value: value / 1000 }];
		});
		return { name, type: 'gauge', help, samples };
	}
}

function sum(a: FollowCounts, b: FollowCounts): FollowCounts {
	return {
		delivered: a.delivered + b.delivered,
		failed: a.failed + b.failed,
		missing: a.missing + b.missing,
		skipped: a.skipped + b.skipped,
		frames: a.frames + b.frames,
		bytes: a.bytes + b.bytes,
		gaps: a.gaps + b.gaps,
	};
}
