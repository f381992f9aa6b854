import { MediaError } from '../errors.js';
import {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	type FrameCluster,
	type MediaEvent,
} from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { counted } from '../wording/counted.js';
import { type Admission, HELD_INDEX, type PartialFragment } from './admission.js';
import type { DemuxContext } from './demux-context.js';
import { DocumentHeader } from './document-header.js';
import { isUnsupported } from './response-errors.js';
import { ServiceTagReader } from './service-tags.js';

/** Events that are made of one chunk before the reader is given a chance to take them. */
const MAX_EVENTS_PER_BATCH = 512;

/** Options of {@link FragmentEvents}. */
export interface FragmentEventsOptions {
	/** Copies every frame, so that it does not keep its chunk alive. @default false */
	readonly copy?: boolean;
	/** Called at the start of every fragment; returns what is to become of it. @default 'take' */
	readonly admit?: (fragmentNumber: string | null) => Admission;
	/** Called with every failure as it is read, before what follows it. */
	readonly onFailure?: (failure: FragmentFailureEvent) => void;
}

/**
 * The events of fragments as they are read: a `fragment` where one begins, its frames, a failure where it broke, and
 * `fragment-end`, which every fragment has that began. Of a fragment that is skipped there is none; of one that was begun in
 * an earlier response, those that were not given out then.
 */
export class FragmentEvents {
	readonly #context: DemuxContext;
	readonly #copies: boolean;
	readonly #admit: (fragmentNumber: string | null) => Admission;
	readonly #onFailure: (failure: FragmentFailureEvent) => void;
	readonly #onFull: () => void;
	#events: MediaEvent[] = [];

	#header = new DocumentHeader();
	#fragment: FragmentEvent | null = null;
	#admission: Admission = 'take';
	#frames = 0;
	#bytes = 0;
	/** Whether a failure was reported since the last fragment began. */
	#hasFailed = false;

	/** @param onFull - called when the events so far are to be taken before more are made */
	constructor(
		context: DemuxContext,
		{ copy = false, admit = () => 'take', onFailure = () => {} }: FragmentEventsOptions,
		onFull: () => void,
	) {
		this.#context = context;
		this.#copies = copy;
		this.#admit = admit;
		this.#onFailure = onFailure;
		this.#onFull = onFull;
	}

	/** Whether the events so far are to be taken before more are made. */
	get isFull(): boolean {
		return this.#events.length >= MAX_EVENTS_PER_BATCH;
	}

	/** Whether the `fragment` event of the document has been made. */
	get hasBegun(): boolean {
		return this.#fragment !== null;
	}

	/** The events so far. */
	take(): MediaEvent[] {
		const events = this.#events;
		this.#events = [];
		return events;
	}

	/** The next document begins. Its header fills as it is read. */
	documentStart(header: DocumentHeader): void {
		this.#header = header;
		this.#fragment = null;
		this.#admission = 'take';
		this.#frames = 0;
		this.#bytes = 0;
	}

	/** Makes the `fragment` event, unless it has been made. */
	begin(): FragmentEvent {
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

	/** A frame of the fragment, which has begun. */
	frame(
		cluster: FrameCluster,
		track: Track,
		offsetNs: number,
		keyframe: boolean,
		durationMs: number | null,
		view: Uint8Array,
		paddingNs: number,
	): void {
		const data = this.#copies ? view.slice() : view;
		const frame = new Frame(
			this.#fragment as FragmentEvent,
			cluster,
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

	/** The document is over, and whole; its bytes, where they are kept. */
	documentEnd(document: readonly Uint8Array[] | null): void {
		const { exception, fragmentNumber } = this.#header.service;
		if (exception !== null) {
			this.#failure(exception, fragmentNumber, this.#header.exceptionOffset, null);
		} else if (this.#fragment !== null || fragmentNumber !== null) {
			this.begin();
			this.#end(fragmentNumber, true, document);
		}
	}

	/** The rest of the document failed; without one that is open, the failure has no fragment. */
	fail(name: string, error: Error, offset: number | null, { isOpen }: { isOpen: boolean }): void {
		const { exception, fragmentNumber } = isOpen ? this.#header.service : new ServiceTagReader();
		// Where the service itself said what is wrong, the end of the bytes there adds nothing.
		if (exception !== null) this.#failure(exception, fragmentNumber, this.#header.exceptionOffset, null);
		// Documents that only seem to begin in broken bytes are part of the same failure.
		else if (!this.#hasFailed || this.#fragment !== null || fragmentNumber !== null) {
			const reason = isUnsupported(error)
				? { code: null, name: 'UNSUPPORTED', message: error.message, retryable: false }
				: { code: null, name, message: error.message, retryable: true };
			this.#failure(reason, fragmentNumber, offset, error);
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
			throw new MediaError(
				'KVS_MEDIA_CHANGED',
				`frame ${this.#frames - 1} of the fragment is not the one that was read before`,
			);
	}

	#push(event: MediaEvent): void {
		if (this.#events.push(event) >= MAX_EVENTS_PER_BATCH) this.#onFull();
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
		if (this.#fragment !== null) this.#end(fragmentNumber, false);
	}

	/** `fragmentNumber` may have come after the Cluster, when `fragment` had left already. */
	#end(
		fragmentNumber: string | null,
		isComplete: boolean,
		document: readonly Uint8Array[] | null = null,
	): void {
		const fragment = this.begin();
		this.#fragment = null;
		if (this.#admission === 'skip') return;
		if (isComplete && typeof this.#admission === 'object' && this.#frames < this.#admission.frames.length) {
			throw new MediaError(
				'KVS_MEDIA_CHANGED',
				`expected ${counted(this.#admission.frames.length, 'frame')} as read before, got ${this.#frames}`,
			);
		}
		this.#push(
			new FragmentEndEvent(fragment, {
				fragmentNumber,
				frames: this.#frames,
				bytes: this.#bytes,
				tags: this.#header.tags,
				complete: isComplete,
				document,
			}),
		);
	}
}

function toDate(epochMs: number | null): Date | null {
	return epochMs === null ? null : new Date(Math.round(epochMs));
}
