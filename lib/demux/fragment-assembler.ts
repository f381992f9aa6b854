// Longer than 300 lines: what happens to a document as its elements come, in one place; what it needs for that has files of its own.
import { ID } from '../ebml/ebml-schema.js';
import { type Element, viewOf } from '../ebml/element-body.js';
import { malformed } from '../ebml/element-header.js';
import { MediaError } from '../errors.js';
import { framesOfBlock } from '../mkv/block-frames.js';
import { discardPaddingNs, playedMs } from '../mkv/discard-padding.js';
import { LACING_MASK } from '../mkv/lacing.js';
import { KEYFRAME_FLAG, type MatroskaHandler } from '../mkv/parser/matroska-handler.js';
import { readTags } from '../mkv/tags.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	type MediaEvent,
} from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { type Admission, HELD_INDEX, type PartialFragment } from './admission.js';
import { ClusterClock } from './cluster-clock.js';
import type { DemuxContext } from './demux-context.js';
import { DocumentHeader } from './document-header.js';
import { HeldClusters } from './held-clusters.js';
import { timesOfLace } from './laced-frames.js';
import type { LateTracks } from './late-tracks.js';
import { isUnsupported } from './response-errors.js';
import { ServiceTagReader } from './service-tags.js';

/** Events that are made of one chunk before the reader is given a chance to take them. */
const MAX_EVENTS_PER_BATCH = 512;

/** Options of {@link FragmentAssembler}. */
export interface AssemblerOptions {
	/** Copies every frame, so that it does not keep its chunk alive. @default false */
	readonly copy?: boolean;
	/** Tracks that stand after the Clusters of their document. */
	readonly lateTracks?: LateTracks | undefined;
	/** Called at the start of every fragment; returns what is to become of it. @default 'take' */
	readonly admit?: (fragmentNumber: string | null) => Admission;
	/** Called with every failure as it is read, before what follows it. */
	readonly onFailure?: (failure: FragmentFailureEvent) => void;
	/**
	 * Whether a fragment is over with the service's continuation token, the last tag of a chunk of GetMedia, and not only where
	 * the next document begins. @default false
	 */
	readonly endsAtToken?: boolean;
}

/**
 * Turns the elements of one payload into events: one Matroska document becomes one fragment.
 *
 * A document collects its {@link DocumentHeader} until its first Cluster begins: then the `fragment` event is made. Tags that
 * follow belong to it all the same and are in its `fragment-end`. The document is over where the next begins or the payload
 * ends cleanly; only then the fragment is called complete.
 */
export class FragmentAssembler implements MatroskaHandler {
	readonly #context: DemuxContext;
	readonly #copies: boolean;
	readonly #lateTracks: LateTracks | undefined;
	readonly #admit: (fragmentNumber: string | null) => Admission;
	readonly #onFailure: (failure: FragmentFailureEvent) => void;
	readonly #endsAtToken: boolean;
	readonly #held = new HeldClusters();
	readonly #clock = new ClusterClock();
	#events: MediaEvent[] = [];

	#isOpen = false;
	#header = new DocumentHeader();
	#fragment: FragmentEvent | null = null;
	#admission: Admission = 'take';
	#frames = 0;
	#bytes = 0;
	/** Whether a failure was reported since the last fragment began. */
	#hasFailed = false;

	constructor(context: DemuxContext, options: AssemblerOptions = {}) {
		const {
			copy = false,
			lateTracks,
			admit = () => 'take',
			onFailure = () => {},
			endsAtToken = false,
		} = options;
		this.#context = context;
		this.#copies = copy;
		this.#lateTracks = lateTracks;
		this.#admit = admit;
		this.#onFailure = onFailure;
		this.#endsAtToken = endsAtToken;
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
		this.isFull = this.#events.length >= MAX_EVENTS_PER_BATCH || this.#held.isReady;
	}

	/** The events so far. */
	take(): MediaEvent[] {
		const events = this.#events;
		this.#events = [];
		this.isFull = this.#held.isReady;
		return events;
	}

	documentStart(offset: number): void {
		this.#isOpen = true;
		this.#held.clear();
		const tracks = this.#lateTracks?.get(offset);
		this.#header = new DocumentHeader(tracks === undefined ? null : this.#context.readTracks(tracks, offset));
		this.#fragment = null;
		this.#admission = 'take';
		this.#frames = 0;
		this.#bytes = 0;
	}

	header(id: number, body: Uint8Array, offset: number): void {
		const hasBegun = this.#fragment !== null;
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
		return this.#fragment !== null || !this.#held.isEmpty;
	}

	clusterStart(timecode: bigint, offset: number): void {
		if (!this.#isOpen) throw malformed('a Cluster after the continuation token', offset);
		if (this.#header.tracks === null)
			this.#held.addCluster(() => this.#beginCluster(timecode, offset), offset);
		else this.#beginCluster(timecode, offset);
	}

	#beginCluster(timecode: bigint, offset: number): void {
		const timecodeNs = timecode * BigInt(this.#header.scaleNs);
		if (this.#fragment === null) {
			this.#clock.startFragment(timecodeNs, this.#header.service.producerTimestampMs);
			this.#startFragment();
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
			this.#frame(track, offsetNs, isKeyframe, durationMs, viewOf(bytes, start, end));
			return;
		}
		const frames = framesOfBlock(track, flags, bytes, start, end, offset);
		const paddingNs = discardPaddingNs(others);
		for (const [index, time] of timesOfLace(track, frames, offsetNs, durationNs).entries()) {
			this.#clock.checkFar(time.offsetNs, offset);
			const frame = frames[index] as Uint8Array;
			const isPadded = paddingNs !== 0 && index === frames.length - 1;
			const durationMs = isPadded ? (playedMs(track, frame, paddingNs) ?? time.durationMs) : time.durationMs;
			this.#frame(track, time.offsetNs, isKeyframe, durationMs, frame, isPadded ? paddingNs : 0);
		}
	}

	/** Apart from `block`: a closure over its parameters there would cost every block a piece of memory. */
	#holdBlock(...block: Parameters<FragmentAssembler['block']>): void {
		const [, , , , start, end, , offset] = block;
		this.#held.addBlock(() => this.block(...block), end - start, offset);
	}

	documentEnd(offset: number): void {
		if (!this.#isOpen) return;
		if (this.#held.hasBlocks) {
			const error = malformed('Clusters without Tracks in a document that ends', offset);
			this.failDocument('MALFORMED', error, offset);
			return;
		}
		if (this.#hasCluster()) this.#startFragment();
		const { exception, fragmentNumber } = this.#header.service;
		if (exception !== null) {
			this.#failure(exception, fragmentNumber, this.#header.exceptionOffset, null);
		} else if (this.#fragment !== null || fragmentNumber !== null) {
			this.#startFragment();
			this.#endFragment(fragmentNumber, true);
		}
		this.#isOpen = false;
	}

	/** The rest of the open document failed; without an open document, the failure has no fragment. */
	failDocument(name: string, error: Error, offset: number | null): void {
		const { exception, fragmentNumber } = this.#isOpen ? this.#header.service : new ServiceTagReader();
		// Where the service itself said what is wrong, the end of the bytes there adds nothing.
		if (exception !== null) this.#failure(exception, fragmentNumber, this.#header.exceptionOffset, null);
		// Documents that only seem to begin in broken bytes are part of the same failure.
		else if (!this.#hasFailed || this.#fragment !== null || fragmentNumber !== null) {
			const reason = isUnsupported(error)
				? { code: null, name: 'UNSUPPORTED', message: error.message, retryable: false }
				: { code: null, name, message: error.message, retryable: true };
			this.#failure(reason, fragmentNumber, offset, error);
		}
		this.#isOpen = false;
		this.#held.clear();
	}

	/** Makes the `fragment` event, unless it has been made. */
	#startFragment(): FragmentEvent {
		if (this.#fragment !== null) return this.#fragment;
		const tracks = this.#header.tracks ?? [];
		const { fragmentNumber, serverTimestampMs, producerTimestampMs } = this.#header.service;
		this.#admission = this.#admit(fragmentNumber);
		if (typeof this.#admission === 'object') {
			this.#fragment = this.#admission.fragment;
			return this.#fragment;
		}
		if (this.#admission === 'take') {
			const gap = this.#context.gaps.fragmentStart(producerTimestampMs, tracks);
			if (gap !== null) this.#push(gap);
		}
		this.#hasFailed = false;
		this.#fragment = new FragmentEvent({
			index: this.#admission === 'take' ? this.#context.nextIndex++ : HELD_INDEX,
			fragmentNumber,
			serverTimestamp: toDate(serverTimestampMs),
			producerTimestamp: toDate(producerTimestampMs),
			tracks,
			tags: [...this.#header.tags],
		});
		if (this.#admission !== 'skip') this.#push(this.#fragment);
		return this.#fragment;
	}

	#frame(
		track: Track,
		offsetNs: number,
		keyframe: boolean,
		durationMs: number | null,
		view: Uint8Array,
		paddingNs = 0,
	): void {
		const data = this.#copies ? view.slice() : view;
		const frame = new Frame(
			this.#fragment as FragmentEvent,
			this.#clock.cluster,
			track,
			offsetNs,
			keyframe,
			durationMs,
			data,
			paddingNs,
		);
		this.#frames++;
		this.#bytes += data.byteLength;
		if (this.#admission === 'take') {
			this.#context.gaps.frame(track, frame.timestampMs);
			this.#push(frame);
		} else if (this.#admission === 'hold') {
			this.#push(frame);
		} else if (this.#admission !== 'skip') {
			this.#resume(frame, this.#admission);
		}
	}

	/** A frame of a fragment that is read for the second time: checked where it was given out, given out where not. */
	#resume(frame: Frame, { frames }: PartialFragment): void {
		const mark = frames[this.#frames - 1];
		if (mark === undefined) {
			this.#context.gaps.frame(frame.track, frame.timestampMs);
			this.#push(frame);
			return;
		}
		const isSame =
			mark.trackNumber === frame.track.number &&
			mark.sizeBytes === frame.data.byteLength &&
			mark.timestampMs === frame.timestampMs;
		if (!isSame)
			throw new MediaError('KVS_MEDIA_CHANGED', `frame ${this.#frames - 1} is another when it is read again`);
	}

	#push(event: MediaEvent): void {
		if (this.#events.push(event) >= MAX_EVENTS_PER_BATCH) this.isFull = true;
	}

	#failure(
		reason: Pick<FragmentFailureEvent, 'code' | 'name' | 'message' | 'retryable'>,
		fragmentNumber: string | null,
		offset: number | null,
		error: unknown,
	): void {
		const index = this.#fragment?.index ?? null;
		if (this.#admission === 'skip') return;
		this.#hasFailed = true;
		const failure = new FragmentFailureEvent({ ...reason, index, fragmentNumber, offset, error });
		this.#onFailure(failure);
		this.#push(failure);
		if (this.#fragment !== null) this.#endFragment(fragmentNumber, false);
	}

	/** `fragmentNumber` may have come after the Cluster, when `fragment` had left already. */
	#endFragment(fragmentNumber: string | null, isComplete: boolean): void {
		const fragment = this.#startFragment();
		this.#fragment = null;
		if (this.#admission === 'skip') return;
		if (isComplete && typeof this.#admission === 'object' && this.#frames < this.#admission.frames.length) {
			throw new MediaError(
				'KVS_MEDIA_CHANGED',
				`${this.#frames} frames where ${this.#admission.frames.length} were read before`,
			);
		}
		this.#push(
			new FragmentEndEvent(fragment, {
				fragmentNumber,
				frames: this.#frames,
				bytes: this.#bytes,
				tags: this.#header.tags,
				complete: isComplete,
			}),
		);
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
	if (durationNs > MAX_TIME_MS * 1e6) throw malformed(`a BlockDuration of ${durationTicks} ticks`, offset);
	return durationNs;
}

function toDate(epochMs: number | null): Date | null {
	return epochMs === null ? null : new Date(Math.round(epochMs));
}
