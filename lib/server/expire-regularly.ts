import { unlessAborted } from '../stream/abort.js';
import type { LocalArchive } from './local-archive.js';
import type { MonotonicClock } from './monotonic-clock.js';

/** How often what has expired is removed: it is not listed any more as soon as it expires. */
const INTERVAL_MS = 60_000;

/** Removes what has expired of an archive, once a minute, until the signal is aborted, which resolves it. */
export async function expireRegularly(
	archive: LocalArchive,
	clock: MonotonicClock,
	signal: AbortSignal,
): Promise<void> {
	try {
		await unlessAborted(archive.hasProduced, signal);
		for (;;) {
			await archive.expire();
			await clock.sleep(INTERVAL_MS, signal);
		}
	} catch (error) {
		if (!signal.aborted) throw error;
	}
}
