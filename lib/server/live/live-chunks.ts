import type { MonotonicClock } from '../monotonic-clock.js';
import { readParts } from '../store/body-part.js';
import type { LocalStream } from '../store/local-stream.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { serviceTagList } from '../wire/chunk-writer.js';
import { MAX_CONNECTION_MS } from '../wire/connection-duration.js';
import { CONTINUATION_TOKEN_TAG, MILLIS_BEHIND_NOW_TAG } from '../wire/service-tag-names.js';
import type { StartPlace } from './start-place.js';
import { unreadableChunk } from './unreadable-chunk.js';

/** What {@link liveChunks} needs. */
export interface LiveChunksOptions {
	readonly stream: LocalStream;
	readonly start: StartPlace;
	readonly clock: MonotonicClock;
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	/** Aborted when the reader is gone. */
	readonly signal: AbortSignal;
	/** Called for a fragment that is damaged, or cannot be read. */
	readonly onDamage: (message: string) => void;
}

/**
 * The chunks of a stream from a place on, each with the service's tags after it, in the order of the server's clock; waits for
 * what is yet to come. A fragment that a producer has begun is waited for before later ones, so that none is left out. Ends
 * after 45 minutes, when the stream is deleted, and with the signal. In place of a fragment that cannot be read it gives an
 * in-band exception.
 */
export async function* liveChunks(options: LiveChunksOptions): AsyncGenerator<Uint8Array> {
	const { stream, start, clock, now, signal, onDamage } = options;
	const endsAtMs = clock.now() + MAX_CONNECTION_MS;
	const over = AbortSignal.any([signal, stream.ended]);
	const replacement = unreadableChunk(stream, onDamage);
	let place = start.after;
	let isBegun = false;
	while (!over.aborted && clock.now() < endsAtMs) {
		const next = stream.fragments.after(place);
		const nowMs = now();
		if (next === null || next.fragment.serverMs > stream.settledMs) {
			await waitFor((end) => stream.changed(end));
			continue;
		}
		const snapshot = stream.liveSnapshot(nowMs);
		const aheadMs = next.fragment.serverMs - snapshot.untilMs;
		if (aheadMs > 0) {
			const waitMs = Math.min(aheadMs, MAX_CONNECTION_MS);
			await waitFor((end) => Promise.race([stream.changed(end), clock.sleep(waitMs, end)]));
			continue;
		}
		place = next.place;
		isBegun ||= start.isFirst(next.fragment);
		if (isBegun && stream.fragments.isIn(snapshot, place.ordinal)) yield* chunk(next.fragment);
	}

	/** Waits for something, at most until the connection is to end. */
	async function waitFor(wait: (end: AbortSignal) => Promise<void>): Promise<void> {
		const waiting = new AbortController();
		const end = AbortSignal.any([over, waiting.signal]);
		try {
			await Promise.race([wait(end), clock.sleep(endsAtMs - clock.now(), end)]);
		} catch (error) {
			if (!over.aborted) throw error;
		} finally {
			waiting.abort();
		}
	}

	async function* chunk(fragment: StoredFragment): AsyncGenerator<Uint8Array> {
		const { number, serverMs, lengthMs } = fragment;
		let isReplaced = false;
		yield* readParts([{ kind: 'fragment', fragment }], (unread, error) => {
			isReplaced = true;
			return replacement(unread, error);
		});
		if (isReplaced) return;
		const behindMs = Math.max(0, Math.round(now() - serverMs - lengthMs));
		yield serviceTagList([
			[MILLIS_BEHIND_NOW_TAG, `${behindMs}`],
			[CONTINUATION_TOKEN_TAG, number],
		]);
	}
}
