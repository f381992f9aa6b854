import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import type { DecoderRun, FrameDecoder } from './frame-decoder.js';
import { Picture } from './picture.js';
import type { DecoderOutput } from './picture-output.js';
import { Changes } from './scheduling/changes.js';
import type { CodedSequence, HeldBytes, SequenceResult } from './scheduling/coded-sequence.js';
import { DecoderLane, type LaneOwner } from './scheduling/decoder-lane.js';
import { DecodingPool } from './scheduling/decoding-pool.js';
import { SequenceDivider } from './scheduling/sequence-divider.js';
import type { SelectedFrame } from './selected-frame.js';

/** A frame that gave no picture. */
export interface DecodeFailure {
	readonly frame: Frame;
	/** What the decoder said, in one line. */
	readonly message: string;
}

/** Options of {@link TrackDecoder}. */
export interface TrackDecoderOptions {
	readonly decoder: FrameDecoder;
	/** What the pictures are to be; valid. */
	readonly output: DecoderOutput;
	/** Called for every wanted frame that gave no picture. */
	readonly onFailure: ((failure: DecodeFailure) => void) | undefined;
	/** With `select: { at }`: the times at which a wanted frame is on the screen. */
	readonly points?: ((frame: Frame) => readonly Date[] | undefined) | undefined;
	/** How many runs of the decoder there may be, and how much may be held. @default one run, 128 MiB */
	readonly pool?: DecodingPool | undefined;
}

/** Pictures of later sequences leave a share of the memory to the frames that keep the decoders going. */
const PICTURE_SHARE = 0.75;

/** As many bytes of pictures are handed on at a time, and at least one picture; nor more than this share of the memory. */
const MAX_TAKEN_BYTES = 256 * 1024;
const TAKEN_SHARE = 1 / 8;

/** However short the sequences are, as many frames may wait for a decoder. */
const MIN_WAITING_FRAMES = 16;

/** A sequence, and the lane that it was dealt to. */
interface DealtSequence {
	readonly sequence: CodedSequence;
	lane: DecoderLane | null;
}

/**
 * Decodes the selected frames of one track. Sequences of frames that do not need each other are dealt to several runs of the
 * decoder side by side, and their pictures come as if there were one: in presentation order, with the same failures.
 *
 * The first sequence of which results are due, whose turn it is, never waits for memory that later ones hold: its lane may always
 * take one more picture, and is given frames, or else is emptied.
 */
export class TrackDecoder implements LaneOwner {
	readonly changes = new Changes();
	readonly #options: TrackDecoderOptions;
	readonly #pool: DecodingPool;
	readonly #heldBytes: HeldBytes = { count: 0 };
	readonly #divider = new SequenceDivider(this.#heldBytes);
	/** Those of which results are due, in order. */
	readonly #dealt: DealtSequence[] = [];
	/** Those of them that wait for a lane. */
	readonly #waiting: DealtSequence[] = [];
	readonly #lanes: DecoderLane[] = [];
	#isClosed = false;

	constructor(options: TrackDecoderOptions) {
		this.#options = options;
		this.#pool = options.pool ?? new DecodingPool({ decoders: 1 });
		this.#pool.addTrack();
	}

	/** Takes the next frame in decoding order; gives pictures in presentation order. */
	async *decode(selected: SelectedFrame): AsyncGenerator<Picture[]> {
		const { frame, isWanted } = selected;
		const sequence = this.#divider.next(selected);
		if (sequence === null) {
			if (isWanted) this.#options.onFailure?.({ frame, message: 'there is no key frame before it' });
			return;
		}
		const begins = this.#dealt.at(-1)?.sequence !== sequence;
		if (begins) this.#endSequence();
		while (!this.#admits(sequence, frame) && !this.#isClosed) {
			const pictures = this.#takeReady();
			if (pictures.length > 0) yield pictures;
			// What was taken may have been all that it waited for.
			else if (!this.#admits(sequence, frame)) {
				this.#keepGoing();
				await this.changes.next();
			}
		}
		if (this.#isClosed) return;
		if (begins) {
			const dealt = { sequence, lane: null };
			this.#dealt.push(dealt);
			this.#waiting.push(dealt);
		}
		sequence.add(selected);
		this.onFree();
		this.changes.notify();
		yield* this.ready();
	}

	/** Gives the pictures that have come since. */
	*ready(): Generator<Picture[]> {
		const pictures = this.#takeReady();
		if (pictures.length > 0) yield pictures;
	}

	/** No more frames: gives everything that is left, and ends the runs. */
	async *finish(): AsyncGenerator<Picture[]> {
		this.#endSequence();
		while (!this.#isClosed) {
			const pictures = this.#takeReady();
			if (pictures.length > 0) yield pictures;
			else if (this.#isFinished()) break;
			else {
				this.onFree();
				if (this.#waiting.length === 0) for (const lane of this.#lanes) if (lane.isFree) lane.flush();
				await this.changes.next();
			}
		}
		await this.close();
	}

	/** Ends the runs at once. */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.changes.notify();
		await Promise.all(this.#lanes.map((lane) => lane.close()));
	}

	open(first: Frame, track: Track): DecoderRun {
		return this.#options.decoder.open(first, this.#options.output, track);
	}

	hasRoom(lane: DecoderLane): boolean {
		const [turn] = this.#dealt;
		if (turn === undefined) return true;
		const isTurn = turn.lane === lane;
		if (isTurn && !turn.sequence.isDecoded && !turn.sequence.hasResults) return true;
		if (lane.pictureBytes === null) return false;
		const share = this.#pool.shareBytes * (isTurn ? 1 : PICTURE_SHARE);
		// Nor may all that are at work take one each where there is room for one.
		const expected = this.#lanes.reduce((sum, other) => sum + other.expectedBytes, lane.pictureBytes);
		return this.#heldBytes.count + expected <= share;
	}

	/** Deals the sequences that wait to lanes that are free. */
	onFree(): void {
		for (let [dealt] = this.#waiting; dealt !== undefined; [dealt] = this.#waiting) {
			dealt.lane = this.#freeLane() ?? this.#newLane();
			if (dealt.lane === null) return;
			this.#waiting.shift();
			dealt.lane.give(dealt.sequence);
		}
	}

	/** No more frames of the last sequence come. */
	#endSequence(): void {
		const last = this.#dealt.at(-1);
		if (last === undefined) return;
		last.sequence.isWhole = true;
		this.changes.notify();
	}

	/** Whether all results were taken, and all runs ended well. Throws where one did not. */
	#isFinished(): boolean {
		if (this.#dealt.length > 0) return false;
		for (const lane of this.#lanes) lane.throwIfFailed();
		return this.#lanes.every((lane) => !lane.hasRun);
	}

	/** The lane whose results are due goes before others: its next frames bring out what is left of those before. */
	#freeLane(): DecoderLane | null {
		const turn = this.#dealt[0]?.lane ?? null;
		if (turn?.isFree) return turn;
		return this.#lanes.find((lane) => lane.isFree) ?? null;
	}

	/** One more lane, where the work that was found so far is worth that of beginning a run. */
	#newLane(): DecoderLane | null {
		const { runCostPixels = 0 } = this.#options.decoder;
		const fedPixels = this.#lanes.reduce((sum, lane) => sum + lane.fedPixels, 0);
		const foundPixels = this.#dealt.reduce((sum, { sequence }) => sum + sequence.waitingPixels, fedPixels);
		if (foundPixels < this.#lanes.length * runCostPixels || !this.#pool.takeRun(this.#lanes.length))
			return null;
		const lane = new DecoderLane(this);
		this.#lanes.push(lane);
		return lane;
	}

	/** Whether a frame may be held, the next one of a sequence. */
	#admits(sequence: CodedSequence, { data }: Frame): boolean {
		const [turn] = this.#dealt;
		if (turn === undefined) return true;
		const last = this.#dealt.at(-1);
		const begins = last?.sequence !== sequence;
		if (!begins && last.lane === turn.lane && sequence.waitingCount === 0) return true;
		if (this.#heldBytes.count + data.byteLength > this.#pool.shareBytes) return false;
		const waiting = this.#waiting;
		const frameCount = waiting.reduce((sum, other) => sum + other.sequence.waitingCount, 0);
		return !begins || waiting.length < this.#pool.maxWaiting || frameCount < MIN_WAITING_FRAMES;
	}

	/** What is due must not wait for frames that have no room, nor for a lane that is free and waits for room itself. */
	#keepGoing(): void {
		this.onFree();
		const [turn] = this.#dealt;
		if (turn?.sequence.isWhole && turn.lane?.isFree) turn.lane.flush();
	}

	/** Takes what is due, but not much at a time: what was taken is not counted as held. Throws where the decoder of that failed. */
	#takeReady(): Picture[] {
		const pictures: Picture[] = [];
		const maxBytes = Math.min(MAX_TAKEN_BYTES, this.#pool.shareBytes * TAKEN_SHARE);
		let takenBytes = 0;
		for (let [turn] = this.#dealt; turn !== undefined && takenBytes < maxBytes; [turn] = this.#dealt) {
			const { sequence, lane } = turn;
			const result = sequence.takeResult();
			if (result === undefined) {
				if (sequence.isOver) this.#dealt.shift();
				else {
					if (pictures.length === 0) lane?.throwIfFailed();
					break;
				}
			} else {
				const picture = this.#pictureOf(result, sequence);
				if (picture !== null) pictures.push(picture);
				takenBytes += picture?.data.byteLength ?? 0;
			}
			this.changes.notify();
		}
		return pictures;
	}

	#pictureOf(
		{ frame, picture, problem, isWanted }: SequenceResult,
		{ media }: CodedSequence,
	): Picture | null {
		if (!isWanted) return null;
		const { output, onFailure, points } = this.#options;
		if (picture !== null)
			return new Picture(frame, { ...picture, format: output.format, at: points?.(frame) });
		if (problem === null && output.scene !== undefined) return null;
		const said = problem ?? 'no picture';
		onFailure?.({
			frame,
			message: media.missing === null ? said : `${said} (its track has ${media.missing})`,
		});
		return null;
	}
}
