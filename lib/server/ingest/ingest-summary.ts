import type { StoredFile } from '../store/stream-directory.js';

/** What an ingest did. Counts are of all fragments that the stream now holds from this file. */
export interface IngestSummary {
	readonly stream: string;
	readonly fragments: number;
	readonly frames: number;
	/** Sum of the chunks' sizes. */
	readonly bytes: number;
	/** Earliest start of a fragment on either clock, null where the file brought no fragment of its own. */
	readonly firstProducerTimestamp: Date | null;
	readonly firstServerTimestamp: Date | null;
	/** Latest start of a fragment on either clock, null likewise. */
	readonly lastProducerTimestamp: Date | null;
	readonly lastServerTimestamp: Date | null;
	/** The stream had all of it before: nothing was added. */
	readonly alreadyPresent: boolean;
	/** Fragments that this call added. */
	readonly addedFragments: number;
	/** Documents of a recording that hold no fragment, in-band exceptions for instance; 0 for a file that was there. */
	readonly skippedDocuments: number;
	/**
	 * What of the file was not taken, and why, one sentence each: frames that lie past the end of a file that is cut off, tracks
	 * that are neither video nor audio. Empty for a file that was there.
	 */
	readonly omissions: readonly string[];
}

/** The summary of a file's fragments, as the stream now holds them. */
export function summarizeIngest(
	stream: string,
	{ fragments }: StoredFile,
	isNew: boolean,
): Omit<IngestSummary, 'skippedDocuments' | 'omissions'> {
	let frames = 0;
	let bytes = 0;
	const producer = new TimeSpan();
	const server = new TimeSpan();
	for (const fragment of fragments) {
		frames += fragment.frames;
		bytes += fragment.sizeBytes;
		producer.add(fragment.producerMs);
		server.add(fragment.serverMs);
	}
	return {
		stream,
		fragments: fragments.length,
		frames,
		bytes,
		firstProducerTimestamp: producer.first,
		firstServerTimestamp: server.first,
		lastProducerTimestamp: producer.last,
		lastServerTimestamp: server.last,
		alreadyPresent: !isNew,
		addedFragments: isNew ? fragments.length : 0,
	};
}

class TimeSpan {
	#firstMs = Number.POSITIVE_INFINITY;
	#lastMs = Number.NEGATIVE_INFINITY;

	get first(): Date | null {
		return Number.isFinite(this.#firstMs) ? new Date(this.#firstMs) : null;
	}

	get last(): Date | null {
		return Number.isFinite(this.#lastMs) ? new Date(this.#lastMs) : null;
	}

	add(timeMs: number): void {
		this.#firstMs = Math.min(this.#firstMs, timeMs);
		this.#lastMs = Math.max(this.#lastMs, timeMs);
	}
}
