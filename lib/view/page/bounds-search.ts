import type { BoundsLine } from '../view-responses.js';
import type { ArchiveClock } from './address.js';
import { StreamApi } from './api/stream-api.js';

/** How long is looked for them at most, in milliseconds. */
const LIMIT_MS = 60_000;

/** What was found out about streams. */
export interface FoundBounds {
	/** Of all of them together; null where nothing is stored in any. */
	readonly bounds: BoundsLine | null;
	/** Those in which nothing is stored. */
	readonly empty: readonly string[];
	/** Of the others that could not be listed. */
	readonly errors: readonly unknown[];
}

/** Looks for the first and the last that is stored in streams; a search that begins ends the one before. */
export class BoundsSearch {
	#searching = new AbortController();

	/** `onKnown` is called with what is known of all streams, whenever that is more. Null where another search began meanwhile. */
	async find(
		streams: readonly string[],
		clock: ArchiveClock,
		onKnown: (bounds: BoundsLine) => void = () => {},
	): Promise<FoundBounds | null> {
		this.stop();
		const searching = new AbortController();
		this.#searching = searching;
		const signal = AbortSignal.any([searching.signal, AbortSignal.timeout(LIMIT_MS)]);
		const known = new Map<string, BoundsLine>();
		const empty: string[] = [];
		const errors: unknown[] = [];
		const search = async (stream: string): Promise<void> => {
			try {
				for await (const bounds of new StreamApi(stream, clock).bounds(signal)) {
					known.set(stream, bounds);
					if (!searching.signal.aborted) onKnown(together([...known.values()]) as BoundsLine);
				}
				if (!known.has(stream)) empty.push(stream);
			} catch (error) {
				errors.push(error);
			}
		};
		await Promise.all(streams.map(search));
		return searching.signal.aborted ? null : { bounds: together([...known.values()]), empty, errors };
	}

	/** Ends the search that is under way. */
	stop(): void {
		this.#searching.abort();
	}
}

function together(bounds: readonly BoundsLine[]): BoundsLine | null {
	if (bounds.length === 0) return null;
	return {
		firstMs: Math.min(...bounds.map(({ firstMs }) => firstMs)),
		lastMs: Math.max(...bounds.map(({ lastMs }) => lastMs)),
		isExact: bounds.every(({ isExact }) => isExact),
	};
}
