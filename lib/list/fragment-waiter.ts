import type { ServiceContext } from '../aws/service-context.js';
import { ArchiveError, InvalidOptionError } from '../errors.js';
import type { Fragment } from '../model/fragment.js';
import type { Instant } from '../model/instant.js';
import { resolveTimeRange, type TimeRange } from '../model/time-range.js';
import { destroyOnAbort } from '../stream/abort.js';
import { listWindow } from './fragment-pages.js';
import { FragmentSource } from './fragment-source.js';

/** What to wait for: a fragment that begins then or later. */
export interface FragmentStart {
	readonly from: Instant;
	/** Whose clock `from` means. @default 'server' */
	readonly by?: TimeRange['by'];
}

/** How a fragment is waited for. */
export interface WaitForFragmentOptions {
	/** How long to wait in all, in milliseconds; then the wait ends with `KVS_WAIT_TIMEOUT`. @default 300000 */
	readonly timeoutMs?: number | undefined;
	/** How long to wait between two looks, in milliseconds. @default 2000 */
	readonly pollIntervalMs?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 300_000;

/** A fragment lasts about as long, and is listed a second after its end. */
const DEFAULT_POLL_INTERVAL_MS = 2000;

/** One fragment is enough to know; each listing costs as many points. */
const LOOK_PAGE_SIZE = 1;

/** How far a producer's clock may be ahead of ours and its media still be found. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/**
 * Waits until a fragment that begins at a time or later is listed, and resolves with the first such. Rejects with
 * `ArchiveError` (`KVS_WAIT_TIMEOUT`), a `RequestError`, or the signal's reason.
 */
export async function waitForFragment(
	start: FragmentStart,
	{
		timeoutMs = DEFAULT_TIMEOUT_MS,
		pollIntervalMs = DEFAULT_POLL_INTERVAL_MS,
		signal,
	}: WaitForFragmentOptions,
	{ client, limiter, clock }: ServiceContext,
): Promise<Fragment> {
	const { fromMs, by } = resolveTimeRange({ ...start, to: start.from });
	for (const [option, value] of Object.entries({ timeoutMs, pollIntervalMs })) {
		if (!(value > 0)) throw new InvalidOptionError(option, 'milliseconds, more than 0', value);
	}
	const deadlineMs = clock.now() + timeoutMs;
	for (;;) {
		signal?.throwIfAborted();
		const toMs = Math.max(clock.now(), fromMs) + MAX_AHEAD_MS;
		const window = { fromMs, toMs, by };
		const look = { pageSize: LOOK_PAGE_SIZE, limiter, clock, signal };
		// A single call while there is nothing; only what is there is put in order.
		const isThere = (await listWindow(client, window, 0, look)) === null;
		const range = { from: fromMs, to: toMs, by };
		const fragment = isThere
			? await first(new FragmentSource({ client, limiter, clock, range, maxItems: 1 }), signal)
			: null;
		if (fragment !== null) return fragment;
		const leftMs = deadlineMs - clock.now();
		if (leftMs <= 0) {
			throw new ArchiveError(
				'KVS_WAIT_TIMEOUT',
				`no fragment of stream \`${client.stream}\` that begins at ${new Date(fromMs).toISOString()} or later, by the ${by}'s clock, was listed within ${timeoutMs} ms`,
				{ retryable: true },
			);
		}
		await clock.sleep(Math.min(pollIntervalMs, leftMs), { signal });
	}
}

async function first(source: FragmentSource, signal: AbortSignal | undefined): Promise<Fragment | null> {
	if (signal !== undefined) destroyOnAbort(source, signal);
	for await (const fragment of source as AsyncIterable<Fragment>) return fragment;
	return null;
}
