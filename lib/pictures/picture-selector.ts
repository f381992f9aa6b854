import { registeredCodecId } from '../codecs/codec.js';
import { trackMedia } from '../codecs/decide-track-media.js';
import { nalCodecOf, startsClosedGop } from '../codecs/nal/access-unit.js';
import { FrameSelector, type FrameSelectorState } from '../frames/frame-selector.js';
import { correctTimes } from '../gaps/outlier-times.js';
import { StoredTime } from '../gaps/stored-time.js';
import type { Frame } from '../model/media-event.js';
import type { Track } from '../model/track.js';
import { DecodeOrderTracker, MAX_LEADING_FRAMES } from './decode-order-tracker.js';
import { type PictureSelection, resolvePictureSelection } from './picture-selection.js';
import { type SelectedFrame, timeOf } from './selected-frame.js';
import { EvenTimes } from './selection/even-times.js';
import { type ScreenChooser, ScreenTimes } from './selection/screen-times.js';

/** A group of pictures is taken as over at this many frames, so that one without an end does not fill the memory. */
const MAX_GROUP_FRAMES = 2000;

/** Likewise at this size. */
const MAX_GROUP_BYTES = 64 * 1024 * 1024;

/** A frame of the group that is being collected. */
interface GroupFrame {
	readonly frame: Frame;
	/** Whether frames are missing before it. */
	readonly isAfterLoss: boolean;
}

/** Options of {@link PictureSelector}. */
export interface PictureSelectorOptions {
	readonly select: PictureSelection;
	/** Whether a frame's picture may be wanted. @default all may */
	readonly isInRange?: ((frame: Frame) => boolean) | undefined;
	/** With `at` and `count`: from a frame's producer time to the clock of the times. @default 0 */
	readonly offsetMs?: ((frame: Frame) => number) | undefined;
	/** With `count`: what is stored, on the same clock. @default nothing */
	readonly stored?: StoredTime | undefined;
	/** What another selector knew at the key frame that comes first. @default nothing */
	readonly past?: SelectionState | undefined;
}

/** What a selector knows before a key frame; plain JSON. */
export interface SelectionState {
	readonly endMs: number | null;
	readonly frameMs: number | null;
	readonly frames: FrameSelectorState;
}

/** A frame in its place. */
interface PlacedFrame {
	readonly frame: Frame;
	readonly presentationMs: number;
	readonly order: number;
}

/**
 * Decides what of one track is decoded, and which pictures are handed out. Counts in presentation order.
 *
 * Of a group of pictures (a key frame and what follows it in decoding order) everything up to the last wanted frame is
 * decoded, and nothing of a group in which none is wanted; for key frames, those alone. A group is held until the next key
 * frame comes: then it is known which of its times are wrong; with `at` and `count` for one group longer, as the first pictures of
 * the next one may be on the screen instead of its last. Frames before the first key frame cannot be decoded and are
 * left out.
 */
export class PictureSelector {
	readonly #isAll: boolean;
	readonly #onlyKeys: boolean;
	readonly #selector: FrameSelector;
	readonly #screen: ScreenChooser | null;
	/** Whether it is said at which times a picture is on the screen, whatever the range. */
	readonly #namesTimes: boolean;
	/** Whether what is chosen depends on everything before. */
	readonly #needsAll: boolean;
	readonly #offsetMs: (frame: Frame) => number;
	readonly #isInRange: (frame: Frame) => boolean;
	readonly #decodingOrder = new DecodeOrderTracker();
	#lastOrder = -1;
	#group: GroupFrame[] = [];
	#groupBytes = 0;
	#isAfterLoss = false;
	#hasKey = false;
	/** Where the group before ends, and how long its frames last; null where that is not known. */
	#endMs: number | null;
	#frameMs: number | null;
	/** The undecoded end of the group before: pictures shown before the next key frame may refer to it. */
	#tail: readonly PlacedFrame[] = [];

	/** With `at` and `count`: the group whose pictures are on the screen until the next one begins. */
	#held: readonly PlacedFrame[] = [];
	/** Likewise: the frames that are wanted, and the times at which each is on the screen. */
	readonly #points = new Map<Frame, readonly number[]>();

	/** Throws `InvalidOptionError` for a selection that is not valid. */
	constructor({
		select,
		isInRange = () => true,
		offsetMs = () => 0,
		stored = new StoredTime(),
		past,
	}: PictureSelectorOptions) {
		const resolved = resolvePictureSelection(select);
		this.#namesTimes = 'timesMs' in resolved;
		if ('timesMs' in resolved) this.#screen = new ScreenTimes(resolved.timesMs);
		else if ('count' in resolved) this.#screen = new EvenTimes(stored, resolved.count);
		else this.#screen = null;
		const frames = 'frames' in resolved ? resolved.frames : 'all';
		this.#isAll = frames === 'all';
		this.#onlyKeys = frames === 'keyframes';
		this.#selector = new FrameSelector(frames, past?.frames);
		this.#endMs = past?.endMs ?? null;
		this.#frameMs = past?.frameMs ?? null;
		this.#needsAll = 'count' in resolved || 'scene' in resolved;
		this.#isInRange = isInRange;
		this.#offsetMs = offsetMs;
	}

	/** With `at`: the times at which a selected frame is on the screen, once; undefined without. */
	takePoints(frame: Frame): readonly Date[] | undefined {
		const times = this.#points.get(frame) ?? [];
		this.#points.delete(frame);
		if (!this.#namesTimes) return undefined;
		return times.map((timeMs) => new Date(timeMs));
	}

	/** Takes the next frame in decoding order; returns what is to be decoded now, in that order. */
	frame(frame: Frame): readonly SelectedFrame[] {
		this.#hasKey ||= frame.keyframe;
		if (!this.#hasKey) return [];
		if (this.#onlyKeys) {
			const placed = this.#place({ frame, isAfterLoss: this.#takeLoss() }, timeOf(frame));
			return frame.keyframe && this.#isInRange(frame) ? [this.#selected(placed, true)] : [];
		}
		const isFull = this.#group.length >= MAX_GROUP_FRAMES || this.#groupBytes >= MAX_GROUP_BYTES;
		const selected = frame.keyframe || isFull ? this.#endGroup(timeOf(frame)) : [];
		this.#group.push({ frame, isAfterLoss: this.#takeLoss() });
		this.#groupBytes += frame.data.byteLength;
		return selected;
	}

	/**
	 * What another selector needs to begin at the key frame that was taken last, so that the same pictures of it and of what follows
	 * come; undefined where that is not possible.
	 */
	stateAt(key: Frame): SelectionState | undefined {
		if (this.#needsAll || !startsClosedGop(key)) return undefined;
		// Its parameter sets may be those of key frames before it.
		if (trackMedia(key.track, [key.data]).missing !== null) return undefined;
		return { endMs: this.#endMs, frameMs: this.#frameMs, frames: this.#selector.state };
	}

	/** Frames are missing before the one that comes next. */
	skip(): void {
		this.#isAfterLoss = true;
	}

	/** Frames are missing before the one that comes next, and those up to the next key frame cannot be decoded without them. */
	restart(): void {
		this.#isAfterLoss = true;
		this.#hasKey = false;
	}

	/** The input is over; returns what is left to be decoded. */
	end(): readonly SelectedFrame[] {
		const selected = this.#endGroup(null);
		return this.#screen === null ? selected : [...selected, ...this.#selectedAt(this.#held, [], null)];
	}

	#takeLoss(): boolean {
		const isAfterLoss = this.#isAfterLoss;
		this.#isAfterLoss = false;
		return isAfterLoss;
	}

	#endGroup(nextMs: number | null): readonly SelectedFrame[] {
		const group = this.#placeGroup(nextMs);
		this.#group = [];
		this.#groupBytes = 0;
		if (this.#screen !== null) {
			const held = this.#held;
			const [key] = group;
			if (key === undefined) return [];
			this.#held = group;
			return this.#selectedAt(held, group, this.#screenMs(key));
		}
		if (this.#isAll) {
			return group.map((placed) => this.#selected(placed, this.#isInRange(placed.frame)));
		}
		const shown = group
			.filter(({ frame }) => this.#isInRange(frame))
			.sort((a, b) => a.presentationMs - b.presentationMs);
		const wanted = new Set(
			shown.filter(({ frame, presentationMs }) => this.#selector.isSelected(frame, presentationMs)),
		);
		return this.#decodable(group, wanted);
	}

	/** What of a group is on the screen before `untilMs`, where the one after it begins; pictures of that may be instead. */
	#selectedAt(
		group: readonly PlacedFrame[],
		following: readonly PlacedFrame[],
		untilMs: number | null,
	): readonly SelectedFrame[] {
		const shown = [...group, ...following]
			.filter(({ frame }) => this.#namesTimes || this.#isInRange(frame))
			.map((item) => ({ item, ms: this.#screenMs(item) }));
		const found = (this.#screen as ScreenChooser).decide(shown, untilMs);
		for (const [{ frame }, times] of found) this.#points.set(frame, times);
		return this.#decodable(group, new Set(group.filter(({ frame }) => this.#points.has(frame))));
	}

	#screenMs({ frame, presentationMs }: PlacedFrame): number {
		return presentationMs + this.#offsetMs(frame);
	}

	/** What of a group is decoded so that its wanted frames can be. */
	#decodable(group: readonly PlacedFrame[], wanted: ReadonlySet<PlacedFrame>): readonly SelectedFrame[] {
		const end = reachOf(group, group.findLastIndex((placed) => wanted.has(placed)) + 1);
		const key = group[0];
		const leads =
			key !== undefined && [...wanted].some(({ presentationMs }) => presentationMs < key.presentationMs);
		// A group that was cut for its length goes on in the next, which cannot be decoded without it.
		const before = leads || (key !== undefined && !key.frame.keyframe && end > 0) ? this.#tail : [];
		this.#tail = end === 0 && key?.frame.keyframe === false ? [...this.#tail, ...group] : group.slice(end);
		return [
			...before.map((placed) => this.#selected(placed, false)),
			...group.slice(0, end).map((placed) => this.#selected(placed, wanted.has(placed))),
		];
	}

	#placeGroup(nextMs: number | null): PlacedFrame[] {
		const [first] = this.#group;
		if (first === undefined) return [];
		const timesMs = this.#group.map(({ frame }) => timeOf(frame));
		const mayReorder = isReordered(first.frame.track);
		const room = { startMs: this.#endMs, nextStartMs: nextMs, frameMs: this.#frameMs, mayReorder };
		const corrected = correctTimes(timesMs, room)?.timesMs ?? timesMs;
		const [firstMs, lastMs] = [minOf(corrected), maxOf(corrected)];
		if (corrected.length > 1) this.#frameMs = (lastMs - firstMs) / (corrected.length - 1);
		this.#endMs = lastMs + (this.#frameMs ?? 0);
		return this.#group.map((member, index) => this.#place(member, corrected[index] as number));
	}

	#place({ frame, isAfterLoss }: GroupFrame, presentationMs: number): PlacedFrame {
		if (isAfterLoss) this.#decodingOrder.skip();
		return { frame, presentationMs, order: this.#decodingOrder.add(frame, presentationMs) };
	}

	#selected({ frame, presentationMs, order }: PlacedFrame, isWanted: boolean): SelectedFrame {
		const isNext = order === this.#lastOrder + 1;
		this.#lastOrder = order;
		return { frame, presentationMs, isWanted, isNext };
	}
}

/**
 * How many frames of a group are decoded so that the first `end` give pictures. ffmpeg drops what it holds when its input ends
 * before the key frame of an open group of H.264 was shown, and that comes after those that are shown before it and as many more.
 */
function reachOf(group: readonly PlacedFrame[], end: number): number {
	const [key] = group;
	if (key === undefined || end === 0 || nalCodecOf(key.frame.track) !== 'avc') return end;
	if (startsClosedGop(key.frame)) return end;
	return Math.max(end, Math.min(group.length, 2 * MAX_LEADING_FRAMES + 1));
}

/** Codecs whose frames are decoded in the order in which they are shown. */
const IN_ORDER: ReadonlySet<string> = new Set(['V_VP8', 'V_VP9', 'V_AV1', 'V_MJPEG', 'V_THEORA']);

function isReordered({ codecId }: Track): boolean {
	return !IN_ORDER.has(registeredCodecId(codecId));
}

function minOf(numbers: readonly number[]): number {
	return numbers.reduce((min, number) => Math.min(min, number), Number.POSITIVE_INFINITY);
}

function maxOf(numbers: readonly number[]): number {
	return numbers.reduce((max, number) => Math.max(max, number), Number.NEGATIVE_INFINITY);
}
