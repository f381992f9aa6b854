import { Writable } from 'node:stream';
import { type CoveredSpan, CoveredTime } from '../gaps/covered-time.js';
import { GapDetector, type GapDetectorState, isSpuriousGap } from '../gaps/gap-detector.js';
import type {
	FragmentEndEvent,
	FragmentEvent,
	FragmentFailureEvent,
	FragmentSkippedEvent,
	Frame,
	GapEvent,
	RunEvent,
} from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { sourceMs } from '../muxing/output-timeline.js';
import { type SampleStarts, WholeSamples } from '../muxing/whole-samples.js';
import { FrameMedia } from './frame-media.js';
import { FrameTimes } from './frame-times.js';

/** From so much on, a fragment is written in parts that begin at video key frames: files hold whole hours in one. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024;

/** A part ends here whatever comes next. A fragment of the service has at most 50 MB. */
const MAX_UNDIVIDED_BYTES = 64 * 1024 * 1024;

/** A part ends before a pause that is longer, so that every step from frame to frame within it fits in what containers have for it. */
const MAX_STEP_MS = 3_600_000;

/** Fragments that were left out, of which the next kept one is waited for. */
const MAX_HELD_SKIPPED = 1000;

/** A fragment, or a part of a long one. */
export interface Piece {
	readonly fragment: FragmentEvent;
	/** Whether the fragment begins with it. */
	readonly isFirst: boolean;
	/** How the fragment fails to meet the one before it. */
	readonly gap: GapEvent | null;
	/**
	 * With believable times, see {@link FrameTimes}, as what they really are, see {@link FrameMedia}, and of whole samples, see
	 * {@link WholeSamples}.
	 */
	readonly frames: readonly Frame[];
	/** Frames among them whose times were wrong, as they came. */
	readonly outliers: readonly Frame[];
	/** The tracks of the fragment, as what they really are: those of the frames. */
	readonly tracks: readonly Track[];
	/** Frames among them whose NAL units do not add up to their size. */
	readonly broken: readonly Frame[];
}

/** Nothing follows for now: a fragment that waits for the next one is not to wait any longer. */
export interface PauseEvent {
	readonly type: 'pause';
	/** Whether nothing has come for a long time. */
	readonly isLong: boolean;
}

/** What one sink knows at the end of a fragment, for the next to go on from; plain JSON. */
export interface FragmentSinkState {
	readonly gaps: GapDetectorState;
	readonly sampleStarts: SampleStarts;
	/** Time of fragments that were left out; absent where there is none. */
	readonly covered?: readonly CoveredSpan[];
}

/**
 * The shell of every sink that writes media: takes events, gives a subclass whole fragments (of long ones, parts that begin
 * at a video key frame), and finds gaps for itself, so that it can go on where another sink stopped. Holds one fragment; one
 * whose last frames may be in the wrong place, until the next begins.
 */
export abstract class FragmentSink extends Writable {
	readonly #pieceBytes: number;
	readonly #abort = new AbortController();
	#work: Promise<void> = Promise.resolve();
	readonly #gaps: GapDetector;
	readonly #covered: CoveredTime;
	readonly #samples: WholeSamples;
	readonly #media = new FrameMedia((track) => this.trackInFile(track.number));
	#fragment: FragmentEvent | null = null;
	#gap: GapEvent | null = null;
	/** What was known of gaps before the current fragment. */
	#before: GapDetectorState | null = null;
	#isFirst = true;
	#frames: Frame[] = [];
	#bytes = 0;
	#failure: FragmentFailureEvent | null = null;
	/** The end of a fragment that waits for the start of the next one. */
	#heldEnd: FragmentEndEvent | null = null;
	/** What was left out after it. */
	#heldSkipped: FragmentSkippedEvent[] = [];
	/** The times of its frames. */
	#times: FrameTimes | null = null;

	/**
	 * @param past - what another sink knew where this one goes on
	 * @param isUndivided - whether a subclass wants every fragment of the service whole
	 */
	constructor({
		past,
		isUndivided = false,
	}: { past?: FragmentSinkState | undefined; isUndivided?: boolean } = {}) {
		super({ objectMode: true, highWaterMark: 16 });
		this.#pieceBytes = isUndivided ? MAX_UNDIVIDED_BYTES : MAX_PIECE_BYTES;
		this.#gaps = new GapDetector(past?.gaps);
		this.#covered = new CoveredTime(past?.covered);
		this.#samples = new WholeSamples(past?.sampleStarts);
	}

	/** Aborted when the sink is destroyed: whatever takes long must listen to it. */
	protected get signal(): AbortSignal {
		return this.#abort.signal;
	}

	/** What the next sink needs to go on from here. At the end of a fragment. */
	protected pastState(): FragmentSinkState {
		const covered = this.#covered.state();
		return {
			gaps: this.#gaps.state(),
			sampleStarts: this.#samples.state(),
			...(covered.length === 0 ? {} : { covered }),
		};
	}

	/** The track of that number in the file that is open, if there is one: for fragments that do not say themselves what it is. */
	protected abstract trackInFile(number: number): Track | undefined;

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

	/** A fragment is missing or failed without media. */
	protected abstract fragmentMissing(failure: FragmentFailureEvent): Promise<void>;

	/** A fragment came and is left out. */
	protected async fragmentSkipped(_skipped: FragmentSkippedEvent): Promise<void> {}

	/** Nothing follows for now; what came before is written. */
	protected async pause(_isLong: boolean): Promise<void> {}

	/** Everything has come. */
	protected abstract finish(): Promise<void>;

	/** Gives back what is held, after the end and after an error. */
	protected abstract close(error: Error | null): Promise<void>;

	override _construct(callback: (error?: Error | null) => void): void {
		this.#settle(this.open(), callback);
	}

	override _write(
		event: RunEvent | PauseEvent,
		_encoding: BufferEncoding,
		callback: (error?: Error | null) => void,
	): void {
		const work = this.#take(event);
		if (work === null) callback();
		else this.#settle(work, callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#settle(
			this.#release(null).then(() => this.finish()),
			callback,
		);
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#abort.abort(error ?? undefined);
		// Pending writes end before files are closed.
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

	#take(event: RunEvent | PauseEvent): Promise<void> | null {
		switch (event.type) {
			case 'pause':
				return this.#release(null).then(() => this.pause(event.isLong));
			case 'gap':
				return null;
			case 'fragment': {
				if (this.#heldEnd !== null) return this.#release(startOf(event)).then(() => this.#begin(event));
				this.#begin(event);
				return null;
			}
			case 'frame': {
				const written = this.#isDue(event) ? this.#flush(sourceMs(event)) : null;
				this.#gaps.frame(event.track, event.timestampMs);
				this.#frames.push(event);
				this.#bytes += event.data.byteLength;
				return written;
			}
			case 'fragment-failure':
				if (event.index === null) return this.#release(null).then(() => this.fragmentMissing(event));
				this.#failure = event;
				return null;
			case 'fragment-end':
				return this.#end(event);
			case 'fragment-skipped':
				return this.#skip(event);
		}
	}

	#isDue(next: Frame): boolean {
		if (this.#bytes >= MAX_UNDIVIDED_BYTES) return true;
		const previous = this.#frames.at(-1);
		if (previous !== undefined && Math.abs(sourceMs(next) - sourceMs(previous)) > MAX_STEP_MS) return true;
		if (this.#bytes < this.#pieceBytes) return false;
		const hasVideo = next.fragment.tracks.some(({ type }) => type === 'video');
		return next.keyframe && (next.track.type === 'video' || !hasVideo);
	}

	#begin(event: FragmentEvent): void {
		this.#before = this.#gaps.state();
		const gap = this.#gaps.fragmentStart(startOf(event), event.tracks);
		this.#gap = gap !== null && this.#covered.covers(gap) ? null : gap;
		this.#covered.keptFrom(startOf(event));
		this.#fragment = event;
		this.#media.fragment(event.tracks);
		this.#isFirst = true;
	}

	#skip(event: FragmentSkippedEvent): Promise<void> | null {
		this.#covered.add(event);
		this.#heldSkipped.push(event);
		// It is not the start of a fragment that is left out that shows whether the last frames of another are in the right place.
		if (this.#heldEnd !== null && this.#heldSkipped.length < MAX_HELD_SKIPPED) return null;
		return this.#release(null);
	}

	#end(end: FragmentEndEvent): Promise<void> | null {
		this.#heldEnd = end;
		this.#times = this.#timesOfFrames();
		return this.#times.isEndInDoubt ? null : this.#release(null);
	}

	#timesOfFrames(): FrameTimes {
		const startMs = this.#isFirst ? startOf(this.#fragment as FragmentEvent) : null;
		return new FrameTimes(this.#frames, startMs);
	}

	/** Writes the fragment that has come to its end, if there is one; the next starts at `nextStartMs`, where that is known. */
	async #release(nextStartMs: number | null): Promise<void> {
		const end = this.#heldEnd;
		if (end !== null) {
			this.#heldEnd = null;
			const fragment = this.#fragment as FragmentEvent;
			const failure = this.#failure;
			await this.#flush(nextStartMs);
			this.#fragment = null;
			this.#failure = null;
			await this.fragmentEnd(fragment, end, failure);
		}
		const skipped = this.#heldSkipped;
		this.#heldSkipped = [];
		for (const event of skipped) await this.fragmentSkipped(event);
	}

	#flush(nextStartMs: number | null): Promise<void> {
		const fragment = this.#fragment as FragmentEvent;
		const isFirst = this.#isFirst;
		const { frames: timed, outliers } = (this.#times ?? this.#timesOfFrames()).corrected(nextStartMs);
		this.#times = null;
		this.#frames = [];
		this.#bytes = 0;
		this.#isFirst = false;
		if (isFirst && this.#gap !== null && isSpuriousGap(this.#gap, this.#before as GapDetectorState, timed)) {
			this.#gap = null;
		}
		if (isFirst && this.#gap !== null) this.#samples.cut();
		const { tracks, frames, broken } = this.#media.of(timed);
		const whole = this.#samples.of(frames);
		return this.piece({ fragment, isFirst, gap: this.#gap, frames: whole, outliers, tracks, broken });
	}
}

function startOf({ producerTimestamp }: FragmentEvent): number | null {
	return producerTimestamp?.getTime() ?? null;
}
