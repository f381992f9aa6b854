import { ID } from '../ebml/ebml-schema.js';
import type { Element } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { decodedBlocks } from '../mkv/decoded-blocks.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from '../mkv/parser/matroska-handler.js';
import { DEFAULT_TIMECODE_SCALE_NS, readTimecodeScaleNs } from '../mkv/segment-info.js';
import { readTracks } from '../mkv/tracks.js';
import type { Track } from '../model/track.js';

/** The flags of a block besides the key frame flag: invisible, lacing, discardable (Matroska §10.2). */
const CARRIED_FLAGS = 0x0f;

/** A frame that is to be fed, or the frames of a laced block. */
export interface FeedFrame {
	readonly trackNumber: number;
	/** Whole milliseconds: from the source's first Cluster on, until the feed moves it to the producer's clock. */
	timeMs: number;
	readonly keyframe: boolean;
	/** Lacing and other flags of the block, without the key frame flag. */
	readonly flags: number;
	/** Undefined where the source does not say. */
	readonly durationMs: number | undefined;
	/** What else a BlockGroup said of it. */
	readonly others: readonly Element[];
	/** A view of the source's bytes. */
	readonly data: Uint8Array;
}

/** Collects the frames that a reader of Matroska or MP4 reports, in order, until they are taken. */
export class FrameCollector implements MatroskaHandler {
	/** The frames so far; the caller removes them. */
	readonly frames: FeedFrame[] = [];
	#timecodeScaleNs = DEFAULT_TIMECODE_SCALE_NS;
	#tracks: readonly Track[] | null = null;
	#blocks: MatroskaHandler | null = null;
	#firstTicks: bigint | null = null;
	#clusterTicks = 0;
	#documents = 0;

	/** @param known - what the source says of its tracks by other means than a Tracks element */
	constructor(known?: { readonly tracks: readonly Track[]; readonly timecodeScaleNs: number }) {
		if (known === undefined) return;
		this.#tracks = known.tracks;
		this.#timecodeScaleNs = known.timecodeScaleNs;
		this.#blocks = this.#collecting();
	}

	/** All tracks, once they are known; null until then. */
	get tracks(): readonly Track[] | null {
		return this.#tracks;
	}

	documentStart(offset: number): void {
		if (++this.#documents > 1) {
			throw malformed(
				'a second document (an EBML header); feed takes one, such as a file or a muxer makes',
				offset,
			);
		}
	}

	documentEnd(): void {}

	header(id: number, body: Uint8Array, offset: number): void {
		if (id === ID.Info) this.#timecodeScaleNs = readTimecodeScaleNs(body, offset);
		if (id !== ID.Tracks || this.#tracks !== null) return;
		this.#tracks = readTracks(body, offset);
		this.#blocks = decodedBlocks(this.#tracks, this.#collecting());
	}

	clusterStart(timecode: bigint, offset: number): void {
		if (this.#blocks === null) throw malformed('media before the Tracks that it belongs to', offset);
		this.#firstTicks ??= timecode;
		this.#clusterTicks = Number(timecode - this.#firstTicks);
	}

	block(...block: Parameters<MatroskaHandler['block']>): void {
		this.#blocks?.block(...block);
	}

	#collecting(): MatroskaHandler {
		const toMs = (ticks: number): number => Math.round((ticks * this.#timecodeScaleNs) / 1e6);
		return {
			documentStart() {},
			documentEnd() {},
			header() {},
			clusterStart() {},
			block: (trackNumber, relativeTicks, flags, bytes, start, end, durationTicks, _offset, others) => {
				this.frames.push({
					trackNumber,
					timeMs: toMs(this.#clusterTicks + relativeTicks),
					keyframe: (flags & KEYFRAME_FLAG) !== 0,
					flags: flags & CARRIED_FLAGS,
					durationMs: durationTicks < 0 ? undefined : toMs(durationTicks),
					others,
					data: bytes.subarray(start, end),
				});
			},
		};
	}
}
