import type { GapEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';

/** A run of fragments that meet on the producer's clock. */
export interface TimelineSpan {
	readonly type: 'span';
	/** 0, 1, 2 … in this timeline. */
	readonly index: number;
	/** Start of the first fragment, on the producer's clock. */
	readonly from: Date;
	/** End of the last fragment, on the producer's clock: its last frame, and what a frame is estimated to last. */
	readonly to: Date;
	readonly fragments: number;
	/** Sum of the listed sizes, headers included. */
	readonly bytes: number;
	/** Mean bitrate; null where nothing says how long the span is, as for a single frame. */
	readonly bitsPerSecond: number | null;
	readonly firstFragmentNumber: string;
	readonly lastFragmentNumber: string;
	/** The earliest and the latest time at which the service began to receive a fragment of the span. */
	readonly serverFrom: Date;
	readonly serverTo: Date;
	/** The tracks at the span's start; null where its header was not read. */
	readonly tracks: readonly Track[] | null;
}

/** The codecs, or what they depend on, are others from a fragment on. Comes after the span it is in. */
export interface TimelineCodecChange {
	readonly type: 'codec-change';
	/** Producer time of the first fragment that is known to have the new tracks. */
	readonly at: Date;
	/** That fragment. */
	readonly fragmentNumber: string;
	/** The last fragment that is known to have the tracks from before. */
	readonly afterFragmentNumber: string;
	/** Whether the two are neighbours. Where headers could not be read, the change may be earlier than `at`. */
	readonly exact: boolean;
	readonly before: readonly Track[];
	readonly tracks: readonly Track[];
}

/** The last event of every timeline. */
export interface TimelineTotal {
	readonly type: 'total';
	readonly fragments: number;
	readonly bytes: number;
	readonly spans: number;
	readonly gaps: number;
	readonly overlaps: number;
	readonly regressions: number;
	readonly duplicates: number;
	/** Changes that were found; null where codecs were not read. */
	readonly codecChanges: number | null;
	/** Earliest start and latest end on the producer's clock; null for an empty range. */
	readonly from: Date | null;
	readonly to: Date | null;
	/** Sum of the spans' lengths; what overlaps counts twice. */
	readonly storedMs: number;
	/** Sum of the gaps' lengths. */
	readonly gapMs: number;
	/** Mean bitrate of the spans; null where nothing says how long they are. */
	readonly bitsPerSecond: number | null;
	/** Fragments whose header was requested. */
	readonly headersRead: number;
	/** Fragments whose header could not be read. */
	readonly headersFailed: number;
	/** Fragments whose header was not requested because the most that a timeline reads was reached. */
	readonly headersSkipped: number;
}

/**
 * What a timeline is made of, in the order of the range's clock: `(span codec-change* (gap span codec-change*)*)? total`.
 * A `gap` is the same as among media events: how the span after it fails to meet the one before it.
 */
export type TimelineEvent = TimelineSpan | GapEvent | TimelineCodecChange | TimelineTotal;
