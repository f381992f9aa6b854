import { Writable } from 'node:stream';
import { GapDetector, type GapDetectorState, isDenied } from '../gaps/gap-detector.js';
import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	Frame,
	GapEvent,
	MediaEvent,
} from '../model/media-event.js';

/** From so much on, a fragment is written in parts that begin at video key frames: files hold whole hours in one. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;

/** A part ends here whatever comes next. A fragment of the service has at most 50 MB. */
const MAX_UNDIVIDED_BYTES = 64 * 1024 * 1024;

/** A fragment, or a part of a long one. */
export interface Piece {
	readonly fragment: FragmentEvent;
	/** Whether the fragment begins with it. */
	readonly isFirst: boolean;
	/** How the fragment fails to meet the one before it. */
	readonly gap: GapEvent | null;
	readonly frames: readonly Frame[];
}

/**
 * The shell of every sink that writes media: takes events, gives a subclass whole fragments (of long ones, parts that begin
 * at a video key frame), and finds gaps for itself, so that it can go on where another sink stopped. Holds one fragment.
 */
export abstract class FragmentSink extends Writable {
	readonly #pieceBytes: number;
	readonly #abort = new AbortController();
	#work: Promise<void> = Promise.resolve();
	readonly #gaps: GapDetector;
	#fragment: FragmentEvent | null = null;
	#gap: GapEvent | null = null;
	/** What was known of gaps before the current fragment. */
	#before: GapDetectorState | null = null;
	#isFirst = true;
	#frames: Frame[] = [];
	#bytes = 0;
	#failure: FragmentFailureEvent | null = null;

	/**
	 * @param gaps - what another sink knew of gaps where this one goes on
	 * @param isUndivided - whether a subclass wants every fragment of the service whole
	 */
	constructor({
		gaps,
		isUndivided = false,
	}: { gaps?: GapDetectorState | undefined; isUndivided?: boolean } = {}) {
		super({ objectMode: true, highWaterMark: 16 });
		this.#pieceBytes = isUndivided ? MAX_UNDIVIDED_BYTES : MAX_PIECE_BYTES;
		this.#gaps = new GapDetector(gaps);
	}

	/** Aborted when the sink is destroyed: whatever takes long must listen to it. */
	protected get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** What the next sink needs to find gaps from here on. At the end of a fragment. */
	protected gapsState(): GapDetectorState {
		return this.#gaps.state();
	}

	/** Opens what is written to. */
	protected abstract open(): Promise<void>;

	/** Writes frames. A fragment without frames comes as one empty piece. */
	protected abstract piece(piece: Piece): Promise<void>;

	/** A fragment is over, and how it failed, if it did; all of its pieces are written. */
	protected abstract fragmentEnd(
		fragment: FragmentEvent,
		end: FragmentEndEvent,
		failure: FragmentFailureEvent | null,
	): Promise<void>;

	/** A fragment could not be had at all. */
	protected abstract fragmentMissing(failure: FragmentFailureEvent): Promise<void>;

	/** Everything has come. */
	protected abstract finish(): Promise<void>;

	/** Gives back what is held, after the end and after an error. */
	protected abstract close(error: Error | null): Promise<void>;

	override _construct(callback: (error?: Error | null) => void): void {
		this.#settle(this.open(), callback);
	}

	override _write(
		event: MediaEvent,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		const work = this.#take(event);
		if (work === null) callback();
		else this.#settle(work, callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#settle(this.finish(), callback);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#abort.abort(error ?? undefined);
		// What is under way is on its way to the disk: files are closed behind it.
		this.#work
			.then(() => this.close(error))
			.then(
				() => callback(error),
				(closeError: Error) => callback(error ?? closeError),
			);
	}

	#settle(work: Promise<void>, callback: (error?: Error | null) => void): void {
		this.#work = work.catch(() => {});
		work.then(() => callback(), callback);
	}

	#take(event: MediaEvent): Promise<void> | null {
		switch (event.type) {
			case 'gap':
				return null;
			case 'fragment': {
				const startMs = event.producerTimestamp?.getTime() ?? null;
				this.#before = this.#gaps.state();
				this.#gap = this.#gaps.fragmentStart(startMs, event.tracks);
				this.#fragment = event;
				this.#isFirst = true;
				return null;
			}
			case 'frame': {
				const written = this.#isDue(event) ? this.#flush() : null;
				this.#gaps.frame(event.track, event.timestampMs);
				this.#frames.push(event);
				this.#bytes += event.data.byteLength;
				return written;
			}
			case 'fragment-failure':
				if (event.index === null) return this.fragmentMissing(event);
				this.#failure = event;
				return null;
			case 'fragment-end':
				return this.#end(event);
		}
	}

	#isDue(next: Frame): boolean {
		if (this.#bytes >= MAX_UNDIVIDED_BYTES) return true;
		if (this.#bytes < this.#pieceBytes) return false;
		const hasVideo = next.fragment.tracks.some(({ type }) => type === 'video');
		return next.keyframe && (next.track.type === 'video' || !hasVideo);
	}

	async #end(end: FragmentEndEvent): Promise<void> {
		const fragment = this.#fragment as FragmentEvent;
		const failure = this.#failure;
		await this.#flush();
		this.#fragment = null;
		this.#failure = null;
		await this.fragmentEnd(fragment, end, failure);
	}

	#flush(): Promise<void> {
		const frames = this.#frames;
		const isFirst = this.#isFirst;
		this.#frames = [];
		this.#bytes = 0;
		this.#isFirst = false;
		if (isFirst && this.#gap !== null && isDenied(this.#gap, this.#before as GapDetectorState, frames)) {
			this.#gap = null;
		}
		return this.piece({ fragment: this.#fragment as FragmentEvent, isFirst, gap: this.#gap, frames });
	}
}
