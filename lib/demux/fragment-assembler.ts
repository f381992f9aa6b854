import { ID } from '../ebml/ebml-schema.js';
import { type Element, viewOf } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { framesOfBlock } from '../mkv/block-frames.js';
import { discardPaddingNs, playedMs } from '../mkv/discard-padding.js';
import { LACING_MASK } from '../mkv/lacing.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from '../mkv/parser/matroska-handler.js';
import { readTags } from '../mkv/tags.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import type { MediaEvent } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { ClusterClock } from './cluster-clock.js';
import type { DemuxContext } from './demux-context.js';
import type { DocumentBytes } from './document-bytes.js';
import { DocumentHeader } from './document-header.js';
import { FragmentEvents, type FragmentEventsOptions } from './fragment-events.js';
import { HeldClusters } from './held-clusters.js';
import { timesOfLace } from './laced-frames.js';
import type { LateTracks } from './late-tracks.js';

/** Options of {@link FragmentAssembler}. */
export interface AssemblerOptions extends FragmentEventsOptions {
	/** Tracks that stand after the Clusters of their document. */
	readonly lateTracks?: LateTracks | undefined;
	/**
	 * Whether a fragment is over with the service's continuation token, the last tag of a chunk of GetMedia, and not only where
	 * the next document begins. @default false
	 */
	readonly endsAtToken?: boolean;
	/** Collects the bytes of each document, which its `fragment-end` then gives. */
	readonly documents?: DocumentBytes | null;
}

/**
 * Turns the elements of one payload into fragments and frames: one Matroska document becomes one fragment. What is given out
 * of them is the matter of {@link FragmentEvents}.
 *
 * A document collects its {@link DocumentHeader} until its first Cluster begins: then the `fragment` event is made. Tags that
 * follow belong to it all the same and are in its `fragment-end`. The document is over where the next begins or the payload
 * ends cleanly; only then the fragment is called complete.
 */
export class FragmentAssembler implements MatroskaHandler {
	readonly #context: DemuxContext;
	readonly #lateTracks: LateTracks | undefined;
	readonly #endsAtToken: boolean;
	readonly #documents: DocumentBytes | null;
	readonly #held = new HeldClusters();
	readonly #clock = new ClusterClock();
	readonly #events: FragmentEvents;

	#isOpen = false;
	#header = new DocumentHeader();

	constructor(
		context: DemuxContext,
		{ lateTracks, endsAtToken = false, documents = null, ...options }: AssemblerOptions = {},
	) {
		this.#context = context;
		this.#lateTracks = lateTracks;
		this.#endsAtToken = endsAtToken;
		this.#documents = documents;
		this.#events = new FragmentEvents(context, options, () => {
			this.isFull = true;
		});
	}

	/** Whether a document is being read. */
	get isOpen(): boolean {
		return this.#isOpen;
	}

	/** Whether the events so far are to be taken before more elements are read. A field, as it is read after every block. */
	isFull = false;

	/** Whether Clusters that came before their Tracks can be read now: `catchUp` is to be called before more elements are read. */
	get isBehind(): boolean {
		return this.#held.isReady;
	}

	/** Reads the next few blocks that came before their Tracks. */
	catchUp(): void {
		this.#held.goOn();
		this.#updateIsFull();
	}

	#updateIsFull(): void {
		this.isFull = this.#events.isFull || this.#held.isReady;
	}

	/** The events so far. */
	take(): MediaEvent[] {
		const events = this.#events.take();
		this.isFull = this.#held.isReady;
		return events;
	}

	documentStart(offset: number): void {
		this.#isOpen = true;
		this.#held.clear();
		const tracks = this.#lateTracks?.get(offset);
		this.#header = new DocumentHeader(tracks === undefined ? null : this.#context.readTracks(tracks, offset));
		this.#events.documentStart(this.#header);
	}

	header(id: number, body: Uint8Array, offset: number): void {
		const { hasBegun } = this.#events;
		if (id === ID.Info) {
			this.#header.setInfo(body, offset, hasBegun);
		} else if (id === ID.Tracks) {
			this.#header.setTracks(this.#context.readTracks(body, offset), offset, hasBegun);
			this.#held.tracksHaveCome();
			this.#updateIsFull();
		} else {
			this.#header.addTags(readTags(body, this.#hasCluster() ? 'after' : 'before', offset), offset);
			if (this.#endsAtToken && this.#header.service.hasContinuationToken) this.documentEnd(offset);
		}
	}

	/** Whether media of the document has begun. */
	#hasCluster(): boolean {
		return this.#events.hasBegun || !this.#held.isEmpty;
	}

	clusterStart(timecode: bigint, offset: number): void {
		if (!this.#isOpen) throw malformed('a Cluster after the continuation token', offset);
		if (this.#header.tracks === null)
			this.#held.addCluster(() => this.#beginCluster(timecode, offset), offset);
		else this.#beginCluster(timecode, offset);
	}

	#beginCluster(timecode: bigint, offset: number): void {
		const timecodeNs = timecode * BigInt(this.#header.scaleNs);
		if (!this.#events.hasBegun) {
			this.#clock.startFragment(timecodeNs, this.#header.service.producerTimestampMs);
			this.#events.begin();
		}
		this.#clock.startCluster(timecodeNs, offset);
	}

	block(
		trackNumber: number,
		relativeTicks: number,
		flags: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		durationTicks: number,
		offset: number,
		others: readonly Element[],
	): void {
		const { tracks, scaleNs } = this.#header;
		if (tracks === null) {
			this.#holdBlock(trackNumber, relativeTicks, flags, bytes, start, end, durationTicks, offset, others);
			return;
		}
		const track = trackOf(tracks, trackNumber, offset);
		const offsetNs = relativeTicks * scaleNs;
		const isKeyframe = (flags & KEYFRAME_FLAG) !== 0;
		this.#clock.check(offsetNs, offset);
		const durationNs = durationTicks < 0 ? null : checkedDurationNs(durationTicks, scaleNs, offset);
		if ((flags & LACING_MASK) === 0 && track.undoEncodings === null && others.length === 0) {
			const knownNs = durationNs ?? track.defaultDurationNs;
			const durationMs = knownNs === null ? null : knownNs / 1e6;
			this.#events.frame(
				this.#clock.cluster,
				track,
				offsetNs,
				isKeyframe,
				durationMs,
				viewOf(bytes, start, end),
				0,
			);
			return;
		}
		const frames = framesOfBlock(track, flags, bytes, start, end, offset);
		const paddingNs = discardPaddingNs(others);
		for (const [index, time] of timesOfLace(track, frames, offsetNs, durationNs).entries()) {
			this.#clock.checkFar(time.offsetNs, offset);
			const frame = frames[index] as Uint8Array;
			const isPadded = paddingNs !== 0 && index === frames.length - 1;
			const durationMs = isPadded ? (playedMs(track, frame, paddingNs) ?? time.durationMs) : time.durationMs;
			this.#events.frame(
				this.#clock.cluster,
				track,
				time.offsetNs,
				isKeyframe,
				durationMs,
				frame,
				isPadded ? paddingNs : 0,
			);
		}
	}

	/** Apart from `block`: a closure over its parameters there would cost every block a piece of memory. */
	#holdBlock(...block: Parameters<FragmentAssembler['block']>): void {
		const [, , , , start, end, , offset] = block;
		this.#held.addBlock(() => this.block(...block), end - start, offset);
	}

	documentEnd(offset: number): void {
		if (!this.#isOpen) return;
		const document = this.#documents?.take(offset) ?? null;
		if (this.#held.hasBlocks) {
			const error = malformed('Clusters without Tracks in a document that ends', offset);
			this.failDocument('MALFORMED', error, offset);
			return;
		}
		if (this.#hasCluster()) this.#events.begin();
		this.#events.documentEnd(document);
		this.#isOpen = false;
	}

	/** The rest of the open document failed; without an open document, the failure has no fragment. */
	failDocument(name: string, error: Error, offset: number | null): void {
		this.#events.fail(name, error, offset, { isOpen: this.#isOpen });
		this.#isOpen = false;
		this.#held.clear();
	}
}

/** The tracks of a fragment are few, and their frames come in turns. */
function trackOf(tracks: readonly Track[], trackNumber: number, offset: number): Track {
	for (let i = 0; i < tracks.length; i++) {
		const track = tracks[i] as Track;
		if (track.number === trackNumber) return track;
	}
	throw malformed(`a block of track ${trackNumber}, which the header does not have,`, offset);
}

function checkedDurationNs(durationTicks: number, scaleNs: number, offset: number): number {
	const durationNs = durationTicks * scaleNs;
	if (durationNs > MAX_TIME_MS * 1e6)
		throw malformed(
			`expected a BlockDuration of at most ${MAX_TIME_MS} ms, got ${durationTicks} ticks of ${scaleNs} ns`,
			offset,
		);
	return durationNs;
}
