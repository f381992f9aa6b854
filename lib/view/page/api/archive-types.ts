/** A stored fragment: producer start, server start (epoch ms), length in ms, bytes, number. */
export type StoredFragment = readonly [number, number, number, number, string];

/** When the first and the last stored fragment begin, epoch milliseconds; as far as is known. */
export interface StoredBounds {
	readonly firstMs: number;
	readonly lastMs: number;
	readonly isExact: boolean;
}

/** What the page begins with. */
export interface Start {
	readonly streams: readonly string[];
	readonly range: { readonly fromMs: number; readonly toMs: number } | null;
	readonly commandFlags: readonly string[];
	readonly nowMs: number;
}

/** A stream of the account. */
export interface ListedStream {
	readonly name: string;
	readonly retentionHours: number;
	readonly status: string;
}

/** What was read of a fragment. */
export interface FragmentDetails {
	readonly fragmentNumber: string;
	readonly tracks: readonly string[];
	readonly hasVideo: boolean;
	readonly tags: readonly (readonly [string, string])[];
	readonly frames: number;
	readonly keyframes: number;
	readonly failures: readonly { readonly name: string; readonly message: string }[];
}

/** What the headers of a range say: tracks, their changes, and where fragments do not meet. */
export type TimelineLine =
	| { readonly type: 'codec-change'; readonly atMs: number; readonly tracks: readonly string[] }
	| { readonly type: 'overlap'; readonly fromMs: number; readonly toMs: number };

/** A playback session. */
export interface Session {
	readonly id: string;
	readonly path: string;
	readonly expiresMs: number;
	/** Of a session on demand: what it plays. */
	readonly fromMs: number | null;
	readonly toMs: number | null;
}

/** How an export stands. */
export interface ExportState {
	readonly id: string;
	readonly fraction: number;
	readonly isDone: boolean;
	readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
	readonly lost: number;
	readonly error: { readonly code: string; readonly message: string } | null;
}
