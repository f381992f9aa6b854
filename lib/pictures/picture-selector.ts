import { type FrameSelection, FrameSelector } from '../frames/frame-selector.js';
import type { Frame } from '../model/media-event.js';
import { DecodingOrder } from './decoding-order.js';

/** A frame on its way to a decoder. */
export interface SelectedFrame {
	readonly frame: Frame;
	/** Whether its picture is asked for; else it is decoded for others that refer to it. */
	readonly isWanted: boolean;
	/** Whether it comes right after the frame that was selected before it: nothing is left out between them. */
	readonly isNext: boolean;
}

/** A group of pictures is taken as over at this many frames, so that one without an end does not fill the memory. */
const MAX_GROUP_FRAMES = 2000;

/** Likewise at this size. */
const MAX_GROUP_BYTES = 64 * 1024 * 1024;

/**
 * Decides what of one track is decoded, and which pictures are handed out. Counts in presentation order.
 *
 * Of a group of pictures (a key frame and what follows it in decoding order) everything up to the last wanted frame is
 * decoded, and nothing of a group in which none is wanted; for key frames, those alone. `everyNth` and `everyMs` hold the
 * group until the next key frame comes. Frames before the first key frame cannot be decoded and are left out.
 */
export class PictureSelector {
	readonly #select: FrameSelection;
	readonly #selector: FrameSelector;
	readonly #isInRange: (frame: Frame) => boolean;
	readonly #decodingOrder = new DecodingOrder();
	#lastOrder = -1;
	#group: Frame[] = [];
	#groupBytes = 0;
	#hasKey = false;
	/** The undecoded end of the group before: pictures shown before the next key frame may refer to it. */
	#tail: readonly Frame[] = [];

	/** Throws `InvalidOptionError` for an unknown selection. */
	constructor(select: FrameSelection, isInRange: (frame: Frame) => boolean) {
		this.#select = select;
		this.#selector = new FrameSelector(select);
		this.#isInRange = isInRange;
	}

	/** Takes the next frame in decoding order; returns what is to be decoded now, in that order. */
	frame(frame: Frame): readonly SelectedFrame[] {
		this.#decodingOrder.add(frame);
		if (this.#select === 'keyframes') {
			return frame.keyframe && this.#isInRange(frame) ? [this.#selected(frame, true)] : [];
		}
		this.#hasKey ||= frame.keyframe;
		if (!this.#hasKey) return [];
		if (this.#select === 'all') return [this.#selected(frame, this.#isInRange(frame))];
		const isFull = this.#group.length >= MAX_GROUP_FRAMES || this.#groupBytes >= MAX_GROUP_BYTES;
		const selected = frame.keyframe || isFull ? this.end() : [];
		this.#group.push(frame);
		this.#groupBytes += frame.data.byteLength;
		return selected;
	}

	/** Frames are missing in front of the one that comes next. */
	skip(): void {
		this.#decodingOrder.skip();
	}

	/** The input is over; returns what is left to be decoded. */
	end(): readonly SelectedFrame[] {
		const group = this.#group;
		this.#group = [];
		this.#groupBytes = 0;
		const shown = group.filter(this.#isInRange).sort((a, b) => timeOf(a) - timeOf(b));
		const wanted = new Set(shown.filter((frame) => this.#selector.isSelected(frame)));
		const end = group.findLastIndex((frame) => wanted.has(frame)) + 1;
		const key = group[0];
		const leads = key !== undefined && [...wanted].some((frame) => timeOf(frame) < timeOf(key));
		// A group that was cut for its length goes on in the next, which cannot be decoded without it.
		const before = leads || (key !== undefined && !key.keyframe && end > 0) ? this.#tail : [];
		this.#tail = end === 0 && key?.keyframe === false ? [...this.#tail, ...group] : group.slice(end);
		return [
			...before.map((frame) => this.#selected(frame, false)),
			...group.slice(0, end).map((frame) => this.#selected(frame, wanted.has(frame))),
		];
	}

	#selected(frame: Frame, isWanted: boolean): SelectedFrame {
		const order = this.#decodingOrder.of(frame);
		const isNext = order === this.#lastOrder + 1;
		this.#lastOrder = order;
		return { frame, isWanted, isNext };
	}
}

function timeOf(frame: Frame): number {
	return frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
}
