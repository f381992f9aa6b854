/** A stored fragment as the page draws it: producer start, server start (epoch ms), length in ms, bytes, number. */
export type StoredFragment = readonly [
	producerMs: number,
	serverMs: number,
	lengthMs: number,
	sizeBytes: number,
	number: string,
];

/** What a window holds: fragments as the pages of its listing come, unordered; then how it ended. */
export type WindowLine =
	| { readonly fragments: readonly StoredFragment[] }
	/** Everything was listed, or there is more than can be: then buckets are sampled. */
	| { readonly isWhole: boolean };

/** When the first and the last stored fragment begin, epoch milliseconds. */
export interface BoundsLine {
	readonly firstMs: number;
	readonly lastMs: number;
	/** Whether nothing is stored before or after; else only what is known so far. */
	readonly isExact: boolean;
}

/** What the view begins with. */
export interface ViewStart {
	/** Streams that are shown at once; none: the list of streams. */
	readonly streams: readonly string[];
	/** The range that is shown first, epoch milliseconds; null: what was stored last. */
	readonly range: { readonly fromMs: number; readonly toMs: number } | null;
	/** What a command needs besides the stream and the range, to be copied: `--endpoint http://…`. */
	readonly commandFlags: readonly string[];
}

/** The same as the page gets it. */
export interface StartedView extends ViewStart {
	/** The time of the process, epoch milliseconds. */
	readonly nowMs: number;
}

/** A stream as the page lists it. */
export interface ListedStream {
	readonly name: string;
	/** How long it keeps what comes; 0 keeps nothing. */
	readonly retentionHours: number;
	readonly status: string;
}

/** What a fragment holds. */
export interface FragmentDetails {
	readonly fragmentNumber: string;
	readonly tracks: readonly string[];
	readonly hasVideo: boolean;
	readonly tags: readonly (readonly [name: string, value: string])[];
	readonly frames: number;
	readonly keyframes: number;
	/** Exceptions that the service put into the response, and damage. */
	readonly failures: readonly { readonly name: string; readonly message: string }[];
}

/** Where the tracks of a range change, and where its fragments overlap. */
export type TimelineLine =
	| { readonly type: 'codec-change'; readonly atMs: number; readonly tracks: readonly string[] }
	| { readonly type: 'overlap'; readonly fromMs: number; readonly toMs: number };

/** A playback session. */
export interface OpenedSession {
	readonly id: string;
	/** Of its master playlist, on this server. */
	readonly path: string;
	/** Epoch milliseconds. */
	readonly expiresMs: number;
}

/** A playback session, and what it plays: epoch milliseconds, null of a live one. */
export interface PlayedSession extends OpenedSession {
	readonly fromMs: number | null;
	readonly toMs: number | null;
}

/** How an export stands. */
export interface ExportState {
	readonly id: string;
	readonly name: string;
	/** From 0 to 1. */
	readonly fraction: number;
	readonly isDone: boolean;
	/** Files of the finished export: more than one where the codecs change. */
	readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
	/** Fragments that failed or are missing. */
	readonly lost: number;
	readonly error: { readonly code: string; readonly message: string } | null;
}
