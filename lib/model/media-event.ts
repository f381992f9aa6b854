import type { FailureName } from './failure-name.js';
import { INSPECT, type Inspect, inspected } from './inspected.js';
import { type Tag, tagToJSON } from './tag.js';
import type { Track } from './track.js';

/**
 * Everything in a stream of media, in order, failures included.
 *
 * Grammar: `(gap* fragment frame* fragment-failure? fragment-end | gap* fragment-failure)*`. Every `fragment` ends in
 * exactly one `fragment-end`; a failure without a `fragment` had no media.
 */
export type MediaEvent = GapEvent | FragmentEvent | Frame | FragmentEndEvent | FragmentFailureEvent;

/** A fragment begins. */
export class FragmentEvent {
	readonly type = 'fragment';
	/** 0, 1, 2 … in this stream. */
	readonly index: number;
	/** Null in a file that is not a KVS payload. */
	readonly fragmentNumber: string | null;
	readonly serverTimestamp: Date | null;
	/** Producer time of the fragment's first Cluster. */
	readonly producerTimestamp: Date | null;
	readonly tracks: readonly Track[];
	/** The tags known so far; `fragment-end` has all of them. */
	readonly tags: readonly Tag[];

	constructor(fields: Omit<FragmentEvent, 'type' | 'tag' | 'toJSON' | typeof INSPECT>) {
		this.index = fields.index;
		this.fragmentNumber = fields.fragmentNumber;
		this.serverTimestamp = fields.serverTimestamp;
		this.producerTimestamp = fields.producerTimestamp;
		this.tracks = fields.tracks;
		this.tags = fields.tags;
	}

	/** The value of the first tag of that name among the tags known so far; null where there is none, or it has no value. */
	tag(name: string): string | Uint8Array | null {
		return this.tags.find((tag) => tag.name === name)?.value ?? null;
	}

	/** The documented JSON line. */
	toJSON(): object {
		return Object.assign({}, this, { tags: this.tags.map(tagToJSON) });
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		return inspected('FragmentEvent', Object.assign({}, this), options, inspect);
	}
}

/** The Cluster that a frame came in: what its frames share, so that a frame has only its own offset. */
export interface FrameCluster {
	/** Matroska Timecode of the Cluster, in nanoseconds. */
	readonly timecodeNs: bigint;
	/** Producer time of the Cluster's Timecode, epoch milliseconds; null where the payload has no producer clock. */
	readonly producerMs: number | null;
}

/** One encoded frame (one access unit), as the producer sent it. */
export class Frame {
	readonly type = 'frame';
	/** Index of its fragment. */
	readonly index: number;
	readonly fragmentNumber: string | null;
	readonly track: Track;
	/**
	 * Producer time of this frame, epoch milliseconds, fractional where the container is finer: the fragment's producer
	 * timestamp plus the frame's time within the fragment. Null where the payload has no producer clock.
	 */
	readonly timestampMs: number | null;
	readonly keyframe: boolean;
	/**
	 * BlockDuration, else the track's DefaultDuration, else, of audio that is laced, what its codec says, else null.
	 * Milliseconds. Of Opus with a DiscardPadding what is left to be played, which is finer than a BlockDuration.
	 */
	readonly durationMs: number | null;
	/**
	 * The frame's bytes. A view, never written to again; it keeps the whole chunk it arrived in in memory (16 KiB to 1 MiB):
	 * copy it, or set the reader's option `copy`, to keep a few frames of many.
	 */
	readonly data: Uint8Array;
	readonly #fragment: FragmentEvent;
	readonly #cluster: FrameCluster;
	readonly #offsetNs: number;
	readonly #discardPaddingNs: number;

	constructor(
		fragment: FragmentEvent,
		cluster: FrameCluster,
		track: Track,
		offsetNs: number,
		keyframe: boolean,
		durationMs: number | null,
		data: Uint8Array,
		discardPaddingNs = 0,
	) {
		this.index = fragment.index;
		this.fragmentNumber = fragment.fragmentNumber;
		this.track = track;
		this.timestampMs = cluster.producerMs === null ? null : cluster.producerMs + offsetNs / 1e6;
		this.keyframe = keyframe;
		this.durationMs = durationMs;
		this.data = data;
		this.#fragment = fragment;
		this.#cluster = cluster;
		this.#offsetNs = offsetNs;
		this.#discardPaddingNs = discardPaddingNs;
	}

	/** The fragment this frame belongs to. */
	get fragment(): FragmentEvent {
		return this.#fragment;
	}

	/**
	 * Matroska DiscardPadding: nanoseconds at the end of the decoded frame that are not played, as of the last frame of Opus;
	 * negative: at its start. 0 for nearly all frames.
	 */
	get discardPaddingNs(): number {
		return this.#discardPaddingNs;
	}

	/** `timestampMs` as a Date, which rounds to whole milliseconds. */
	get timestamp(): Date | null {
		return this.timestampMs === null ? null : new Date(Math.round(this.timestampMs));
	}

	/** The frame's Matroska timecode (Cluster plus block), exact, in nanoseconds. */
	get timecodeNs(): bigint {
		return this.#cluster.timecodeNs + BigInt(this.#offsetNs);
	}

	/**
	 * Server time of this frame, epoch milliseconds: its fragment's server time plus (frame − fragment) on the producer's
	 * clock. Null where either clock is missing.
	 */
	get serverTimestampMs(): number | null {
		const { serverTimestamp, producerTimestamp } = this.#fragment;
		if (serverTimestamp === null || producerTimestamp === null || this.timestampMs === null) return null;
		return serverTimestamp.getTime() + (this.timestampMs - producerTimestamp.getTime());
	}

	/** The same frame as one of another `fragment` event. */
	ofFragment(fragment: FragmentEvent): Frame {
		return this.#with({ fragment });
	}

	/** A frame with other bytes and otherwise the same. */
	withData(data: Uint8Array): Frame {
		return this.#with({ data });
	}

	/** What this frame really holds, as a frame of `track`; `laterMs` where several frames were stored as one. */
	holding(
		track: Track,
		data: Uint8Array,
		{ laterMs = 0, durationMs = this.durationMs }: { laterMs?: number; durationMs?: number | null } = {},
	): Frame {
		return this.#with({ track, data, durationMs, laterMs });
	}

	/** The same frame, shifted by a number of milliseconds; this one is left as it is. */
	movedBy(ms: number): Frame {
		return this.#with({ laterMs: ms });
	}

	#with({
		fragment = this.#fragment,
		track = this.track,
		data = this.data,
		durationMs = this.durationMs,
		laterMs = 0,
	}: {
		fragment?: FragmentEvent;
		track?: Track;
		data?: Uint8Array;
		durationMs?: number | null;
		laterMs?: number;
	}): Frame {
		const offsetNs = this.#offsetNs + Math.round(laterMs * 1e6);
		const { keyframe } = this;
		return new Frame(
			fragment,
			this.#cluster,
			track,
			offsetNs,
			keyframe,
			durationMs,
			data,
			this.#discardPaddingNs,
		);
	}

	/** The documented JSON line: the track by its number, `size` in place of `data`. */
	toJSON(): object {
		return {
			type: this.type,
			index: this.index,
			fragmentNumber: this.fragmentNumber,
			track: this.track.number,
			timestampMs: this.timestampMs,
			timestamp: this.timestamp,
			timecodeNs: String(this.timecodeNs),
			keyframe: this.keyframe,
			durationMs: this.durationMs,
			size: this.data.byteLength,
		};
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		const { timestamp, timecodeNs, serverTimestampMs, track, data } = this;
		const trackLine = `${track.number} ${track.type} ${track.codec ?? track.codecId}`;
		const fields = Object.assign({}, this, { timestamp, timecodeNs, serverTimestampMs, track: trackLine });
		return inspected(
			'Frame',
			Object.assign({}, fields, { data: `${data.byteLength} bytes` }),
			options,
			inspect,
		);
	}
}

/** A fragment has ended. */
export class FragmentEndEvent {
	readonly type = 'fragment-end';
	readonly index: number;
	readonly fragmentNumber: string | null;
	/** How many frames it had. */
	readonly frames: number;
	/** Sum of the sizes of its frames. */
	readonly bytes: number;
	/** All of its tags, in order. */
	readonly tags: readonly Tag[];
	/** False exactly when a `fragment-failure` came before it. */
	readonly complete: boolean;
	readonly #fragment: FragmentEvent;

	constructor(
		fragment: FragmentEvent,
		fields: {
			/** Where the tags that name the fragment came after its Cluster: then `fragment` did not have it yet. */
			fragmentNumber?: string | null;
			frames: number;
			bytes: number;
			tags: readonly Tag[];
			complete: boolean;
		},
	) {
		this.index = fragment.index;
		this.fragmentNumber = fragment.fragmentNumber ?? fields.fragmentNumber ?? null;
		this.frames = fields.frames;
		this.bytes = fields.bytes;
		this.tags = fields.tags;
		this.complete = fields.complete;
		this.#fragment = fragment;
	}

	/** The event that the fragment began with. */
	get fragment(): FragmentEvent {
		return this.#fragment;
	}

	/** Producer time of the fragment, as in its `fragment` event. */
	get producerTimestamp(): Date | null {
		return this.#fragment.producerTimestamp;
	}

	/** Server time of the fragment, as in its `fragment` event. */
	get serverTimestamp(): Date | null {
		return this.#fragment.serverTimestamp;
	}

	/** The value of the first tag of that name; null where there is none, or it has no value. */
	tag(name: string): string | Uint8Array | null {
		return this.tags.find((tag) => tag.name === name)?.value ?? null;
	}

	/** The documented JSON line. */
	toJSON(): object {
		return Object.assign({}, this, { tags: this.tags.map(tagToJSON) });
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		const { producerTimestamp, serverTimestamp } = this;
		return inspected(
			'FragmentEndEvent',
			Object.assign({}, this, { producerTimestamp, serverTimestamp }),
			options,
			inspect,
		);
	}
}

/** A fragment, or the rest of one, failed or is missing. */
export class FragmentFailureEvent {
	readonly type = 'fragment-failure';
	/** Index of the fragment that was already begun; null where none was. */
	readonly index: number | null;
	readonly fragmentNumber: string | null;
	/** The service's code (3000, 4000, 5000 …); null where the failure is not the service's. */
	readonly code: number | null;
	/** The service's name for it (`FRAGMENT_NOT_FOUND`), else `TRUNCATED`, `MALFORMED`, `UNSUPPORTED`, `CHANGED` or `MISSING`. */
	readonly name: FailureName;
	readonly message: string;
	/** Byte in the payload at which it was noticed; null where it has no place in the payload. */
	readonly offset: number | null;
	/** Whether a retry may succeed. */
	readonly retryable: boolean;
	readonly #error: unknown;

	constructor(fields: Omit<FragmentFailureEvent, 'type' | typeof INSPECT>) {
		this.index = fields.index;
		this.fragmentNumber = fields.fragmentNumber;
		this.code = fields.code;
		this.name = fields.name;
		this.message = fields.message;
		this.offset = fields.offset;
		this.retryable = fields.retryable;
		this.#error = fields.error;
	}

	/** The error that caused it, where there was one. */
	get error(): unknown {
		return this.#error;
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		const { error } = this;
		return inspected(
			'FragmentFailureEvent',
			Object.assign({}, this, error != null && { error }),
			options,
			inspect,
		);
	}
}

/** How two neighbouring fragments fail to meet. */
export type GapKind = 'gap' | 'overlap' | 'regression' | 'duplicate';

/**
 * Two neighbours do not meet on the producer's clock; comes before the `fragment` it precedes.
 *
 * `gap` and `overlap`: the next start is more than 50 ms (the service's own threshold) off the last frame plus the mean
 * frame duration. `regression`: the next start lies before the last start. `duplicate`: they start at the same time.
 */
export class GapEvent {
	readonly type = 'gap';
	/** Where the fragment before it ends. */
	readonly from: Date;
	/** Where the next one starts. */
	readonly to: Date;
	readonly kind: GapKind;

	constructor(from: Date, to: Date, kind: GapKind) {
		this.from = from;
		this.to = to;
		this.kind = kind;
	}
}
