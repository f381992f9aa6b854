import type { ServiceContext } from '../aws/service-context.js';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import { waitForFragment } from '../list/fragment-waiter.js';
import { type Instant, resolveInstant } from '../model/instant.js';
import type { FragmentEvent } from '../model/media-event.js';
import { type RangeClock, resolveRangeClock, type TimeRange } from '../model/time-range.js';
import { openFragment } from '../run/one-fragment.js';
import type { FragmentNotification } from './fragment-notification.js';

/** The moment of an event: a time, a fragment, or what the service's notification says of one. */
export type EventMoment = Instant | { readonly fragmentNumber: string } | FragmentNotification;

/** How much around a moment is wanted. */
export interface AroundOptions {
	readonly beforeMs: number;
	readonly afterMs: number;
	/** Whose clock the moment is measured on. @default 'server' */
	readonly by?: TimeRange['by'];
	/** How long to wait in all until it is stored, in milliseconds. @default 60000 */
	readonly timeoutMs?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** How often it is looked, in milliseconds. */
const POLL_INTERVAL_MS = 1000;

/** The range around a moment: for every method that takes a range. */
export class AroundRange implements TimeRange {
	readonly from: Date;
	readonly to: Date;
	readonly by: RangeClock;
	readonly #isComplete: boolean;

	constructor(from: Date, to: Date, by: RangeClock, isComplete: boolean) {
		this.from = from;
		this.to = to;
		this.by = by;
		this.#isComplete = isComplete;
	}

	/** Whether a later fragment is listed, so that all that will come has come. False where the wait was over before. */
	get isComplete(): boolean {
		return this.#isComplete;
	}
}

/**
 * Waits until the time around a moment is stored: until a fragment that begins after it is listed, or for as long as
 * `timeoutMs` says. Rejects with `InvalidOptionError`, a `RequestError`, the signal's reason, or `ArchiveError`
 * (`KVS_WAIT_TIMEOUT`) where a fragment that is meant by its number does not come.
 */
export async function around(
	moment: EventMoment,
	options: AroundOptions,
	service: ServiceContext,
): Promise<AroundRange> {
	const { beforeMs, afterMs, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
	const by = resolveRangeClock(options.by ?? 'server');
	for (const [name, value] of Object.entries({ beforeMs, afterMs })) {
		if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
			throw new InvalidOptionError(name, 'milliseconds, 0 or more', value);
		}
	}
	if (!(timeoutMs > 0)) throw new InvalidOptionError('timeoutMs', 'milliseconds, more than 0', timeoutMs);
	const deadlineMs = service.clock.now() + timeoutMs;
	const centerMs = await centerOf(moment, by, { ...service, deadlineMs, signal });
	const from = new Date(Math.max(0, centerMs - beforeMs));
	const to = new Date(centerMs + afterMs);
	const leftMs = Math.max(1, deadlineMs - service.clock.now());
	const wait = { timeoutMs: leftMs, pollIntervalMs: Math.min(POLL_INTERVAL_MS, leftMs), signal };
	try {
		await waitForFragment({ from: to.getTime() + 1, by }, wait, service);
		return new AroundRange(from, to, by, true);
	} catch (error) {
		if (!isTimeout(error)) throw error;
		return new AroundRange(from, to, by, false);
	}
}

interface CenterOptions extends ServiceContext {
	readonly deadlineMs: number;
	readonly signal: AbortSignal | undefined;
}

/** The moment on the clock, epoch milliseconds. */
async function centerOf(moment: EventMoment, by: RangeClock, options: CenterOptions): Promise<number> {
	if (typeof moment !== 'object' || moment === null || moment instanceof Date)
		return resolveInstant('at', moment);
	if ('serverTimestamp' in moment) {
		return (by === 'server' ? moment.serverTimestamp : moment.producerTimestamp).getTime();
	}
	const { fragmentNumber } = moment;
	if (typeof fragmentNumber !== 'string' || !/^\d{1,128}$/.test(fragmentNumber)) {
		throw new InvalidOptionError('at', 'a time, a fragment number or a notification', moment);
	}
	const { clock, deadlineMs, signal, client } = options;
	for (;;) {
		const event = await readFragment(fragmentNumber, options);
		const start = by === 'server' ? event?.serverTimestamp : event?.producerTimestamp;
		if (start != null) return start.getTime();
		if (clock.now() >= deadlineMs) {
			const message = `fragment ${fragmentNumber} of stream \`${client.stream}\` could not be read before the timeout, so its time is not known`;
			throw new ArchiveError('KVS_WAIT_TIMEOUT', message, { retryable: true });
		}
		await clock.sleep(POLL_INTERVAL_MS, { signal });
	}
}

/** The event that a fragment begins with; null where it fails or is missing. */
async function readFragment(fragmentNumber: string, options: CenterOptions): Promise<FragmentEvent | null> {
	const unknown = new Date(options.clock.now());
	const fragment = {
		fragmentNumber,
		fragmentSizeInBytes: 0,
		producerTimestamp: unknown,
		serverTimestamp: unknown,
		fragmentLengthInMilliseconds: 0,
	};
	for await (const events of openFragment(fragment, options).batches()) {
		for (const event of events) {
			if (event.type === 'fragment') return event;
			if (event.type === 'fragment-failure') return null;
		}
	}
	return null;
}

function isTimeout(error: unknown): boolean {
	return error instanceof ArchiveError && error.code === 'KVS_WAIT_TIMEOUT';
}
