import type { Tag } from '../../model/tag.js';
import type { Track } from '../../model/track.js';

/** All that a producer says before its first Cluster. */
export interface ProducerHeader {
	/**
	 * From the EBML header to the first Cluster, verbatim but for two things: without Tags, which belong to the first fragment
	 * alone, and with a Segment of unknown size where the producer's had a known one, which no single fragment has.
	 */
	readonly bytes: Uint8Array;
	readonly timecodeScaleNs: number;
	/** One to three. */
	readonly tracks: readonly Track[];
}

/** A fragment that came whole and keeps every rule. */
export interface ReceivedFragment {
	/** Timecode of its Cluster, in ticks as written. */
	readonly timecodeTicks: bigint;
	/** Producer time of that, epoch milliseconds, rounded. */
	readonly producerMs: number;
	/** Times of its earliest and its latest block, in ticks. */
	readonly minTicks: bigint;
	readonly maxTicks: bigint;
	/** From the one to the other, in milliseconds, rounded. */
	readonly lengthMs: number;
	/** Frames; those of laced blocks count each. */
	readonly frames: number;
	/** Blocks of the first video track. Absent without one. */
	readonly pictures?: number;
	/** Last picture's time minus the first's, in milliseconds; there with {@link pictures}. */
	readonly picturesMs?: number;
	/** Bytes of its leading tags and of all that was reported as its bytes. */
	readonly sizeBytes: number;
	/** The tags of its producer, in order, without END_OF_FRAGMENT. */
	readonly tags: readonly Tag[];
}

/**
 * What `PutMediaReader` reports, synchronously, in the order of the bytes:
 * `(header (fragmentStart bytes* (fragmentEnd | fragmentDropped))*)?`
 */
export interface PutMediaHandler {
	/** The producer's header is whole: the first Cluster begins. */
	header(header: ProducerHeader): void;
	/**
	 * A Cluster's Timecode is known: a fragment begins. `timecodeTicks` as written; `leadingTags` are the Tags elements that
	 * belong to it although they come before its Cluster, verbatim: those before the first Cluster, and those that come after
	 * a fragment has ended. Empty for most; they do not come again in `bytes`.
	 */
	fragmentStart(timecodeTicks: bigint, leadingTags: Uint8Array): void;
	/**
	 * The next bytes of the fragment, verbatim: its Cluster from the id on, and Tags and other elements that follow it. A view
	 * of what was written (or a few bytes copied from a border between chunks), which the reader does not keep.
	 */
	bytes(bytes: Uint8Array): void;
	/** The fragment is whole and keeps every rule. */
	fragmentEnd(fragment: ReceivedFragment): void;
	/** The fragment is not to be stored: it breaks a rule, or the body ended inside it. */
	fragmentDropped(): void;
}
