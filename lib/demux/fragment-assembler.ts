import { MediaError } from '../errors.js';
import { GapDetector } from '../gaps/gap-detector.js';
import { framesOfBlock } from '../mkv/block-frames.js';
import { ID } from '../mkv/ebml-schema.js';
import { viewOf } from '../mkv/element-body.js';
import { malformed } from '../mkv/element-header.js';
import { LACING_MASK } from '../mkv/lacing.js';
import { MAX_DOCUMENT_TAGS, MAX_TIMECODE_SCALE_NS } from '../mkv/limits.js';
import { KEYFRAME_FLAG, type MatroskaHandler, MatroskaParser } from '../mkv/matroska-parser.js';
import { DEFAULT_TIMECODE_SCALE_NS, readTimecodeScaleNs } from '../mkv/segment-info.js';
import { readTags } from '../mkv/tags.js';
import { readTracks } from '../mkv/tracks.js';
import { MAX_TIME_MS } from '../model/max-time.js';
import {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	type FrameCluster,
	type MediaEvent,
} from '../model/media-event.js';
import type { Tag } from '../model/tag.js';
import type { Track } from '../model/track.js';
import { HeldClusters } from './held-clusters.js';
import { timesOfLace } from './laced-frames.js';
import type { LateTracks } from './late-tracks.js';
import { ServiceTagReader } from './service-tags.js';

/** Events that are made of one chunk before the reader is given a chance to take them. */
const MAX_EVENTS_PER_BATCH = 512;

/** How far a block may lie from its Cluster's Timecode: 2^15 ticks of the largest TimecodeScale, in milliseconds. */
const MAX_BLOCK_OFFSET_MS = (2 ** 15 * MAX_TIMECODE_SCALE_NS) / 1e6;

/** What outlives one payload: a run over many responses counts its fragments, and looks for gaps, across them. */
export class AssemblerContext {
	/** Index of the next fragment. */
	nextIndex = 0;
	readonly gaps = new GapDetector();
	/** The Tracks element read last, and its tracks: headers repeat in every fragment. */
	tracksBody: Uint8Array | null = null;
	tracks: Track[] = [];
}

/** What stands for the tracks of a document whose Tracks have not come. */
const NO_TRACKS: readonly Track[] = [];

/** Options of {@link FragmentAssembler}. */
export interface AssemblerOptions {
	/** Copies every frame, so that it does not keep its chunk alive. @default false */
	readonly copy?: boolean;
	/** Goes on at the next document where bytes are malformed, instead of throwing. @default false */
	readonly resync?: boolean;
	/** Tracks that stand after the Clusters of their document. */
	readonly lateTracks?: LateTracks | undefined;
	/** Asked at the start of every fragment what is to become of it. @default 'take' */
	readonly admit?: (fragmentNumber: string | null) => Admission;
	/** Called with every failure as it is read. */
	readonly onFailure?: () => void;
}

/**
 * What becomes of a fragment that begins.
 *
 * `take`: it is the next in the stream. `hold`: it comes before its turn; its events are made, but have the index -1 and
 * are compared with no neighbour. `skip`: nothing of it is wanted. A {@link PartialFragment}: it was begun before, and what
 * was given out of it is not given out again.
 */
export type Admission = 'take' | 'hold' | 'skip' | PartialFragment;

/** A fragment of which a part was given out before its payload broke off. */
export interface PartialFragment {
	readonly fragment: FragmentEvent;
	/** The frames that were given out, in order. */
	readonly frames: readonly FrameMark[];
}

/** What a frame is recognized by when it is read again. */
export interface FrameMark {
	readonly trackNumber: number;
	readonly sizeBytes: number;
	readonly timestampMs: number | null;
}

/** Index of the fragments that are held until their turn. */
export const HELD_INDEX = -1;

/**
 * Turns one payload into events, chunk by chunk: one Matroska document becomes one fragment.
 *
 * A document collects its header (TimecodeScale, tracks, tags) until its first Cluster begins: then the `fragment` event
 * is made. Tags that follow belong to it all the same and are in its `fragment-end`. The document is over where the next
 * begins or the payload ends cleanly; only then the fragment is called complete.
 */
export class FragmentAssembler implements MatroskaHandler {
	readonly #context: AssemblerContext;
	readonly #parser = new MatroskaParser(this);
	readonly #copies: boolean;
	readonly #resyncs: boolean;
	readonly #lateTracks: LateTracks | undefined;
	readonly #held = new HeldClusters();
	readonly #admit: (fragmentNumber: string | null) => Admission;
	readonly #onFailure: () => void;
	#events: MediaEvent[] = [];

	#isOpen = false;
	#scaleNs = DEFAULT_TIMECODE_SCALE_NS;
	#infoBody: Uint8Array | null = null;
	#tracks: readonly Track[] = NO_TRACKS;
	#tags: Tag[] = [];
	/** What the service says in them. */
	#service = new ServiceTagReader();
	#fragment: FragmentEvent | null = null;
	#admission: Admission = 'take';
	#frames = 0;
	#bytes = 0;
	#cluster: FrameCluster = { timecodeNs: 0n, producerMs: null };
	#firstTimecodeNs = 0n;
	/** Whether times of the Cluster have to be looked at one by one. */
	#isNearLimit = false;
	#producerMs: number | null = null;
	/** Whether a failure was reported since the last fragment began. */
	#hasFailed = false;
	/** Where the tags that report an in-band exception stood. */
	#exceptionOffset: number | null = null;

	constructor(context: AssemblerContext, options: AssemblerOptions = {}) {
		const { copy = false, resync = false, admit = () => 'take', onFailure = () => {} } = options;
		this.#lateTracks = options.lateTracks;
		this.#context = context;
		this.#copies = copy;
		this.#resyncs = resync;
		this.#admit = admit;
		this.#onFailure = onFailure;
	}

	/** How many bytes of the payload have been read. */
	get offset(): number {
		return this.#parser.offset;
	}

	/** Number of the fragment that is being read, null outside of one or where its tags have not come yet. */
	get fragmentNumber(): string | null {
		return this.#isOpen ? this.#service.fragmentNumber : null;
	}

	/**
	 * The events that `chunk` completes, in arrays of bounded length. Throws {@link MediaError} where the bytes are
	 * malformed, after the events before that place were yielded; `fail` then ends the fragment. With `resync` it does not
	 * throw: the failure is one of the events, and the next document follows it.
	 */
	*write(chunk: Uint8Array): Generator<MediaEvent[]> {
		yield* this.#read(() => this.#parser.write(chunk));
	}

	*#read(start: () => boolean): Generator<MediaEvent[]> {
		let next = start;
		let isOver = false;
		let error: unknown = null;
		while (error === null && (!isOver || this.#held.isReady)) {
			try {
				const go = next;
				next = this.#goOn;
				if (this.#held.isReady) this.#held.goOn();
				else isOver = go();
			} catch (thrown) {
				if (this.#resyncs && thrown instanceof MediaError) {
					this.#fail('MALFORMED', thrown, thrown.offset);
					this.#parser.resync();
				} else {
					error = thrown;
				}
			}
			const isFull = this.#events.length >= MAX_EVENTS_PER_BATCH;
			if (this.#events.length > 0 && (isFull || isOver || error !== null)) yield this.#take();
		}
		if (error !== null) throw error;
	}

	readonly #goOn = (): boolean => this.#parser.resume();

	/**
	 * The events of the end of the payload. `cut` says that the transport ended before its time: then a fragment whose
	 * elements are of unknown size has failed too, though its bytes cannot tell. Throws as `write` does.
	 */
	*end(cut: Error | null = null): Generator<MediaEvent[]> {
		let isOver = false;
		while (!isOver) {
			if (this.#parser.release()) yield* this.#read(this.#goOn);
			const truncation = this.#parser.end(cut !== null);
			const error = cut ?? truncation;
			// A document that is over by its own sizes is whole, whatever became of the transport.
			if (error !== null && this.#isOpen) this.#fail('TRUNCATED', error, this.#parser.offset);
			if (this.#events.length > 0) yield this.#take();
			// An element that is too large may have taken in whole documents.
			isOver = truncation === null || !this.#resyncs || !this.#parser.resync();
			if (!isOver) yield* this.#read(this.#goOn);
		}
	}

	/** Ends the fragment that is being read with a failure, if there is one. The assembler takes no more bytes. */
	*fail(name: string, error: Error): Generator<MediaEvent[]> {
		const offset = error instanceof MediaError ? error.offset : null;
		if (this.#isOpen) this.#fail(name, error, offset ?? this.#parser.offset);
		if (this.#events.length > 0) yield this.#take();
	}

	/** @internal */
	documentStart(offset: number): void {
		this.#isOpen = true;
		this.#held.clear();
		this.#scaleNs = DEFAULT_TIMECODE_SCALE_NS;
		this.#infoBody = null;
		const tracks = this.#lateTracks?.get(offset);
		this.#tracks = tracks === undefined ? NO_TRACKS : this.#readTracks(tracks, offset);
		this.#tags = [];
		this.#service = new ServiceTagReader();
		this.#fragment = null;
		this.#admission = 'take';
		this.#frames = 0;
		this.#bytes = 0;
		this.#exceptionOffset = null;
	}

	/** @internal */
	header(id: number, body: Uint8Array, offset: number): void {
		if (id === ID.Info) this.#setInfo(body, offset);
		else if (id === ID.Tracks) this.#setTracks(this.#readTracks(body, offset), offset);
		else this.#addTags(readTags(body, this.#hasCluster() ? 'after' : 'before', offset), offset);
	}

	/** Whether media of the document has begun. */
	#hasCluster(): boolean {
		return this.#fragment !== null || !this.#held.isEmpty;
	}

	/** @internal */
	clusterStart(timecode: bigint, offset: number): void {
		if (this.#tracks === NO_TRACKS) this.#held.addCluster(() => this.#beginCluster(timecode, offset), offset);
		else this.#beginCluster(timecode, offset);
	}

	#beginCluster(timecode: bigint, offset: number): void {
		const timecodeNs = timecode * BigInt(this.#scaleNs);
		if (this.#fragment === null) {
			this.#firstTimecodeNs = timecodeNs;
			this.#startFragment();
		}
		// A KVS fragment has one Cluster, whose time the producer timestamp is; in other files the clusters go on from there.
		const sinceFirstMs = Number(timecodeNs - this.#firstTimecodeNs) / 1e6;
		const producerMs = this.#producerMs === null ? null : this.#producerMs + sinceFirstMs;
		this.#cluster = { timecodeNs, producerMs };
		this.#isNearLimit = this.#isBeyond(MAX_TIME_MS - MAX_BLOCK_OFFSET_MS, 0);
		this.#checkTime(0, offset);
	}

	/** Throws for a time, from the Cluster's Timecode, that no Date holds. */
	#checkTime(offsetNs: number, offset: number): void {
		if (!this.#isNearLimit || !this.#isBeyond(MAX_TIME_MS, offsetNs / 1e6)) return;
		throw malformed('a time further from 1970 than a date can be (8.64e15 ms)', offset);
	}

	#isBeyond(limitMs: number, offsetMs: number): boolean {
		const { timecodeNs, producerMs } = this.#cluster;
		return (
			Math.abs(Number(timecodeNs) / 1e6 + offsetMs) > limitMs ||
			Math.abs((producerMs ?? 0) + offsetMs) > limitMs
		);
	}

	/** @internal */
	block(
		trackNumber: number,
		relativeTicks: number,
		flags: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		durationTicks: number,
		offset: number,
	): void {
		if (this.#tracks === NO_TRACKS) {
			this.#holdBlock(trackNumber, relativeTicks, flags, bytes, start, end, durationTicks, offset);
			return;
		}
		const track = this.#trackOf(trackNumber, offset);
		const offsetNs = relativeTicks * this.#scaleNs;
		const isKeyframe = (flags & KEYFRAME_FLAG) !== 0;
		this.#checkTime(offsetNs, offset);
		const durationNs = durationTicks < 0 ? null : this.#durationNs(durationTicks, offset);
		if ((flags & LACING_MASK) === 0 && track.undoEncodings === null) {
			const { defaultDurationNs } = track;
			const knownNs = durationNs ?? defaultDurationNs;
			this.#frame(
				track,
				offsetNs,
				isKeyframe,
				knownNs === null ? null : knownNs / 1e6,
				viewOf(bytes, start, end),
			);
			return;
		}
		const frames = framesOfBlock(track, flags, bytes, start, end, offset);
		for (const [index, time] of timesOfLace(track, frames, offsetNs, durationNs).entries()) {
			this.#isNearLimit ||= Math.abs(time.offsetNs) > MAX_BLOCK_OFFSET_MS * 1e6;
			this.#checkTime(time.offsetNs, offset);
			this.#frame(track, time.offsetNs, isKeyframe, time.durationMs, frames[index] as Uint8Array);
		}
	}

	/** Apart from `block`: a closure over its parameters there would cost every block a piece of memory. */
	#holdBlock(...block: Parameters<FragmentAssembler['block']>): void {
		const [, , , , start, end, , offset] = block;
		this.#held.addBlock(() => this.block(...block), end - start, offset);
	}

	#durationNs(durationTicks: number, offset: number): number {
		const durationNs = durationTicks * this.#scaleNs;
		if (durationNs > MAX_TIME_MS * 1e6) throw malformed(`a BlockDuration of ${durationTicks} ticks`, offset);
		return durationNs;
	}

	/** The tracks of a fragment are few, and their frames come in turns. */
	#trackOf(trackNumber: number, offset: number): Track {
		const tracks = this.#tracks;
		for (let i = 0; i < tracks.length; i++) {
			const track = tracks[i] as Track;
			if (track.number === trackNumber) return track;
		}
		throw malformed(`a block of track ${trackNumber}, which the header does not have,`, offset);
	}

	/** @internal */
	documentEnd(offset: number): void {
		if (this.#held.hasBlocks) {
			this.#fail('MALFORMED', malformed('Clusters without Tracks in a document that ends', offset), offset);
			return;
		}
		if (this.#hasCluster()) this.#startFragment();
		const { exception, fragmentNumber } = this.#service;
		if (exception !== null) {
			this.#failure(exception, fragmentNumber, this.#exceptionOffset, null);
		} else if (this.#fragment !== null || fragmentNumber !== null) {
			this.#startFragment();
			this.#endFragment(fragmentNumber, true);
		}
		this.#isOpen = false;
	}

	/** Info and Tracks may be repeated as they are (RFC 9559: recurring); others are those of another document. */
	#setInfo(body: Uint8Array, offset: number): void {
		if (this.#fragment === null) this.#infoBody = Uint8Array.from(body);
		else if (this.#infoBody !== null && Buffer.compare(this.#infoBody, body) !== 0)
			throw malformed('another Info after the first Cluster', offset);
		const scaleNs = readTimecodeScaleNs(body, offset);
		if (this.#fragment !== null && scaleNs !== this.#scaleNs)
			throw malformed(`a TimecodeScale of ${scaleNs} ns after the first Cluster`, offset);
		this.#scaleNs = scaleNs;
	}

	#setTracks(tracks: readonly Track[], offset: number): void {
		if (this.#fragment !== null && tracks !== this.#tracks)
			throw malformed('another Tracks after the first Cluster', offset);
		this.#tracks = tracks;
		if (this.#held.isEmpty) return;
		this.#held.isReady = true;
		this.#parser.pauseRequested = true;
	}

	#addTags(tags: readonly Tag[], offset: number): void {
		for (const tag of tags) this.#tags.push(tag);
		if (this.#tags.length > MAX_DOCUMENT_TAGS)
			throw malformed(`more than ${MAX_DOCUMENT_TAGS} tags in a document`, offset);
		const fault = this.#service.add(tags);
		if (fault !== null) throw malformed(fault, offset);
		if (this.#exceptionOffset === null && this.#service.exception !== null) this.#exceptionOffset = offset;
	}

	#take(): MediaEvent[] {
		const events = this.#events;
		this.#events = [];
		return events;
	}

	#readTracks(body: Uint8Array, offset: number): readonly Track[] {
		const { tracksBody } = this.#context;
		if (tracksBody === null || Buffer.compare(tracksBody, body) !== 0) {
			this.#context.tracks = readTracks(body, offset);
			this.#context.tracksBody = Uint8Array.from(body);
		}
		return this.#context.tracks;
	}

	/** Makes the `fragment` event, unless it has been made. */
	#startFragment(): FragmentEvent {
		if (this.#fragment !== null) return this.#fragment;
		const { fragmentNumber, serverTimestampMs, producerTimestampMs } = this.#service;
		this.#producerMs = producerTimestampMs;
		this.#admission = this.#admit(fragmentNumber);
		if (typeof this.#admission === 'object') {
			this.#fragment = this.#admission.fragment;
			return this.#fragment;
		}
		if (this.#admission === 'take') {
			const gap = this.#context.gaps.fragmentStart(producerTimestampMs, this.#tracks);
			if (gap !== null) this.#push(gap);
		}
		this.#hasFailed = false;
		this.#fragment = new FragmentEvent({
			index: this.#admission === 'take' ? this.#context.nextIndex++ : HELD_INDEX,
			fragmentNumber,
			serverTimestamp: toDate(serverTimestampMs),
			producerTimestamp: toDate(producerTimestampMs),
			tracks: this.#tracks,
			tags: [...this.#tags],
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
	): void {
		const data = this.#copies ? view.slice() : view;
		const frame = new Frame(
			this.#fragment as FragmentEvent,
			this.#cluster,
			track,
			offsetNs,
			keyframe,
			durationMs,
			data,
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
		this.#events.push(event);
		if (this.#events.length >= MAX_EVENTS_PER_BATCH) this.#parser.pauseRequested = true;
	}

	/** The rest of the open document failed; without an open document, the failure has no fragment. */
	#fail(name: string, error: Error, offset: number | null): void {
		const { exception, fragmentNumber } = this.#isOpen ? this.#service : new ServiceTagReader();
		// Where the service itself said what is wrong, the end of the bytes there adds nothing.
		if (exception !== null) this.#failure(exception, fragmentNumber, this.#exceptionOffset, null);
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

	#failure(
		reason: Pick<FragmentFailureEvent, 'code' | 'name' | 'message' | 'retryable'>,
		fragmentNumber: string | null,
		offset: number | null,
		error: unknown,
	): void {
		const index = this.#fragment?.index ?? null;
		if (this.#admission === 'skip') return;
		this.#hasFailed = true;
		this.#onFailure();
		this.#push(new FragmentFailureEvent({ ...reason, index, fragmentNumber, offset, error }));
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
				tags: this.#tags,
				complete: isComplete,
			}),
		);
	}
}

/** Whether bytes are well-formed, and of a kind that is not supported: a retry brings the same bytes. */
export function isUnsupported(error: unknown): boolean {
	return error instanceof MediaError && error.code === 'KVS_MEDIA_UNSUPPORTED';
}

function toDate(epochMs: number | null): Date | null {
	return epochMs === null ? null : new Date(Math.round(epochMs));
}
