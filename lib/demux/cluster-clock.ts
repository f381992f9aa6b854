import { malformed } from '../ebml/element-header.js';
import { MAX_TIMECODE_SCALE_NS } from '../mkv/limits.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import type { FrameCluster } from '../model/media-event.js';

/** How far a block may lie from its Cluster's Timecode: 2^15 ticks of the largest TimecodeScale, in milliseconds. */
const MAX_BLOCK_OFFSET_MS = (2 ** 15 * MAX_TIMECODE_SCALE_NS) / 1e6;

/**
 * The times of a fragment's Clusters. A KVS fragment has one Cluster, whose time the producer timestamp is; in other files
 * the Clusters continue from there. A time that no Date holds is malformed.
 */
export class ClusterClock {
	#cluster: FrameCluster = { timecodeNs: 0n, producerMs: null };
	#firstTimecodeNs = 0n;
	#producerMs: number | null = null;
	/** Whether times of the Cluster have to be looked at one by one. */
	#isNearLimit = false;

	/** The Cluster that is being read. */
	get cluster(): FrameCluster {
		return this.#cluster;
	}

	/** A fragment begins with a Cluster of that Timecode. */
	startFragment(firstTimecodeNs: bigint, producerMs: number | null): void {
		this.#firstTimecodeNs = firstTimecodeNs;
		this.#producerMs = producerMs;
	}

	/** A Cluster begins. */
	startCluster(timecodeNs: bigint, offset: number): void {
		const sinceFirstMs = Number(timecodeNs - this.#firstTimecodeNs) / 1e6;
		const producerMs = this.#producerMs === null ? null : this.#producerMs + sinceFirstMs;
		this.#cluster = { timecodeNs, producerMs };
		this.#isNearLimit = this.#isBeyond(MAX_TIME_MS - MAX_BLOCK_OFFSET_MS, 0);
		this.check(0, offset);
	}

	/** Throws for a frame's time, from its Cluster's Timecode, that no Date holds. `offset` is the block's, for the message. */
	check(offsetNs: number, offset: number): void {
		if (this.#isNearLimit) this.checkFar(offsetNs, offset);
	}

	/** The same of a time that may be further from the Cluster than any block. */
	checkFar(offsetNs: number, offset: number): void {
		if (this.#isBeyond(MAX_TIME_MS, offsetNs / 1e6))
			throw malformed('a time further from 1970 than a date can be (8.64e15 ms)', offset);
	}

	#isBeyond(limitMs: number, offsetMs: number): boolean {
		const { timecodeNs, producerMs } = this.#cluster;
		return (
			Math.abs(Number(timecodeNs) / 1e6 + offsetMs) > limitMs ||
			Math.abs((producerMs ?? 0) + offsetMs) > limitMs
		);
	}
}
