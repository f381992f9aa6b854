import type { Ack } from '../put/ack.js';
import type { FeedFragment } from './feed-fragment.js';

/** A fragment that the service refused for good. */
export interface RefusedFragment {
	/** Producer time of its first frame. */
	readonly producerTimestamp: Date;
	/** As the service acknowledged it, `4002` and `MAX_FRAGMENT_DURATION_REACHED` for instance. */
	readonly errorId: number;
	readonly errorCode: string;
}

/** What a feed came to. */
export interface FeedSummary {
	/** Fragments that were made of the media. */
	readonly fragments: number;
	/** Those that were acknowledged as PERSISTED; as RECEIVED where the stream keeps nothing. */
	readonly stored: number;
	readonly refused: readonly RefusedFragment[];
	/** Frames and bytes of the fragments that are stored; laced frames count as one. */
	readonly frames: number;
	readonly bytes: number;
	/** Producer times of the first and the last frame that are stored; null where none is. */
	readonly from: Date | null;
	readonly to: Date | null;
	/** Connections that were opened. */
	readonly connections: number;
	/** What of the media was not fed, and why: one sentence each. */
	readonly omissions: readonly string[];
	/** Whether every fragment is stored. */
	readonly isComplete: boolean;
}

/** Counts what a feed comes to. */
export class FeedTally {
	connections = 0;
	omissions: readonly string[] = [];
	#fragments = 0;
	#stored = 0;
	#frames = 0;
	#bytes = 0;
	#fromMs: number | null = null;
	#toMs: number | null = null;
	readonly #refused: RefusedFragment[] = [];

	/** A fragment was made of the media. */
	made(): void {
		this.#fragments++;
	}

	/** A fragment is stored. */
	stored({ timecodeMs, latestMs, frames, bytes }: FeedFragment): void {
		this.#stored++;
		this.#frames += frames;
		this.#bytes += bytes.byteLength;
		this.#fromMs = Math.min(this.#fromMs ?? timecodeMs, timecodeMs);
		this.#toMs = Math.max(this.#toMs ?? latestMs, latestMs);
	}

	/** A fragment was refused for good. */
	refused({ timecodeMs }: FeedFragment, { errorId = 0, errorCode = '' }: Ack): void {
		this.#refused.push({ producerTimestamp: new Date(timecodeMs), errorId, errorCode });
	}

	/** What it came to so far. */
	summary(): FeedSummary {
		return {
			fragments: this.#fragments,
			stored: this.#stored,
			refused: [...this.#refused],
			frames: this.#frames,
			bytes: this.#bytes,
			from: this.#fromMs === null ? null : new Date(this.#fromMs),
			to: this.#toMs === null ? null : new Date(this.#toMs),
			connections: this.connections,
			omissions: [...this.omissions],
			isComplete: this.#stored === this.#fragments,
		};
	}
}
