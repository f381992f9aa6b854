import type { FragmentEvent } from './fragment-event.js';
import { INSPECT, type Inspect, inspected } from './inspected.js';
import type { Track } from './track.js';

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
