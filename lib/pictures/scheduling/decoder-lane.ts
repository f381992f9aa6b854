import { startsClosedGop } from '../../codecs/nal/access-unit.js';
import type { Frame } from '../../model/media-event.js';
import type { Track } from '../../model/track.js';
import type { DecodedPicture, DecoderRun } from '../frame-decoder.js';
import type { SelectedFrame } from '../selected-frame.js';
import type { Changes } from './changes.js';
import type { CodecParameters, CodedSequence } from './coded-sequence.js';

/** What a lane needs of its owner, which deals sequences to it. */
export interface LaneOwner {
	/** Everything that a lane or its owner may wait for. */
	readonly changes: Changes;
	/** Opens a run that begins at this frame; `track` is what its track really is. */
	open(first: Frame, track: Track): DecoderRun;
	/** Whether a lane may take one more picture into memory. */
	hasRoom(lane: DecoderLane): boolean;
	/** Called where a lane has nothing to do, to `give` it something. */
	onFree(): void;
}

/**
 * One run of a decoder at a time, which is given sequences one after another, in the background: its results are in the
 * sequences. A run lasts as long as the parameters stay equal; on a change the one before is emptied first, and at a key
 * frame of an open group of pictures (a recovery point, a CRA) after frames that were left out or are missing.
 */
export class DecoderLane {
	readonly #owner: LaneOwner;
	#run: DecoderRun | null = null;
	/** What the run was opened for. */
	#parameters: CodecParameters | null = null;
	/** What it is at work on. */
	#sequence: CodedSequence | null = null;
	/** The sequences of which the run may still give something, in order. */
	#decoding: CodedSequence[] = [];
	#isFlushing = false;
	#isClosed = false;
	#isReading = false;
	#fedPixels = 0;
	/** Why it does nothing any more; null where it does. */
	#failure: { readonly error: unknown } | null = null;
	readonly #done: Promise<void>;

	constructor(owner: LaneOwner) {
		this.#owner = owner;
		this.#done = this.#work().catch((error: unknown) => {
			this.#failure = { error };
			owner.changes.notify();
		});
	}

	/** Whether it can be given a sequence: all frames of the one before are decoded, or on their way. */
	get isFree(): boolean {
		const isIdle = this.#sequence === null || (this.#sequence.isWhole && this.#sequence.waitingCount === 0);
		return isIdle && this.#failure === null && !this.#isClosed;
	}

	/** Whether a run of the decoder is open. */
	get hasRun(): boolean {
		return this.#run !== null;
	}

	/** How many pixels it has decoded so far, or is about to. */
	get fedPixels(): number {
		return this.#fedPixels;
	}

	/** What it is about to take into memory, in bytes, as far as that is known. */
	get expectedBytes(): number {
		return this.#isReading ? (this.pictureBytes ?? 0) : 0;
	}

	/** Size of the pictures it gives, in bytes; null where that is not known yet. */
	get pictureBytes(): number | null {
		return this.#sequence?.parameters.pictureBytes ?? null;
	}

	/** Throws what its decoder failed with, where it did. */
	throwIfFailed(): void {
		if (this.#failure !== null) throw this.#failure.error;
	}

	/** The sequence to decode next; only where it is free. */
	give(sequence: CodedSequence): void {
		this.#sequence = sequence;
		this.#isFlushing = false;
		this.#owner.changes.notify();
	}

	/** Gives everything that the decoder still has, where no other sequence comes; the next one needs another run. */
	flush(): void {
		if (this.#run === null || this.#isFlushing) return;
		this.#isFlushing = true;
		this.#owner.changes.notify();
	}

	/** Ends it at once, and waits until its run is gone. */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.#owner.changes.notify();
		await this.#run?.close();
		await this.#done;
	}

	async #work(): Promise<void> {
		// Until its owner has dealt it a sequence.
		await this.#owner.changes.next();
		let isIdle = false;
		while (!this.#isClosed) {
			const sequence = this.#sequence;
			const selected = sequence?.next();
			if (sequence !== null && selected !== undefined) {
				isIdle = false;
				await this.#decode(selected, sequence);
				continue;
			}
			if (this.isFree) this.#owner.onFree();
			if (this.#sequence !== sequence) continue;
			if (this.isFree && this.#isFlushing) await this.#finish();
			else {
				// The owner may hold frames back until they are needed.
				if (!isIdle) this.#owner.changes.notify();
				isIdle = true;
				await this.#owner.changes.next();
			}
		}
	}

	async #decode({ frame, presentationMs, isNext }: SelectedFrame, sequence: CodedSequence): Promise<void> {
		if (frame.keyframe && this.#needsRun(frame, isNext, sequence)) {
			await this.#finish();
			if (this.#isClosed) return;
			this.#parameters = sequence.parameters;
			this.#run = this.#owner.open(frame, sequence.media.track);
		}
		if (this.#decoding.at(-1) !== sequence) this.#decoding.push(sequence);
		const { width = 0, height = 0 } = sequence.media.track;
		this.#fedPixels += width * height;
		// A sequence begins with a key frame, which has opened one.
		await this.#take((this.#run as DecoderRun).decode(frame, presentationMs));
	}

	/** Whether a key frame has to begin a run. */
	#needsRun(frame: Frame, isNext: boolean, { parameters }: CodedSequence): boolean {
		if (parameters !== this.#parameters || this.#run === null || !this.#run.isOpen) return true;
		// In the middle of a run it would be counted on from frames that are not there: its place among the pictures is lost.
		const isLost = !isNext && !startsClosedGop(frame);
		return isLost && !(this.#run.cut?.() ?? false);
	}

	async #finish(): Promise<void> {
		const run = this.#run;
		if (run === null) return;
		await this.#take(run.finish());
		for (const sequence of this.#decoding) sequence.giveUp();
		this.#decoding = [];
		await run.close();
		this.#run = null;
		this.#isFlushing = false;
		this.#owner.changes.notify();
	}

	async #take(decoded: AsyncIterable<DecodedPicture[]>): Promise<void> {
		await this.#room();
		this.#isReading = true;
		for await (const results of decoded) {
			this.#isReading = false;
			for (const result of results) this.#decoding.some((sequence) => sequence.decoded(result));
			while (this.#decoding[0]?.isDecoded) this.#decoding.shift();
			this.#owner.changes.notify();
			await this.#room();
			if (this.#isClosed) return;
			this.#isReading = true;
		}
		this.#isReading = false;
	}

	/** Waits until it may take one more picture. */
	async #room(): Promise<void> {
		while (!this.#isClosed && !this.#owner.hasRoom(this)) await this.#owner.changes.next();
	}
}
