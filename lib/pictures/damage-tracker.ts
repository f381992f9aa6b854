import type { Frame } from '../model/media-event.js';
import { isSliceType, mayBeReferredTo, sliceCountOf } from './access-unit.js';
import type { LogLine } from './ffmpeg-log.js';

/** A frame and what is known against its picture. */
export interface TrackedFrame {
	readonly frame: Frame;
	readonly ticks: number;
	/** Slices the decoder will tell of; 0 where it tells of none. */
	readonly sliceCount: number;
	readonly order: number;
	readonly group: PictureGroup;
	/** What is wrong with the frame itself. */
	problem: string | null;
}

/** A key frame and those behind it in decoding order. */
interface PictureGroup {
	readonly keyTicks: number;
	/** The damage of this group that reaches those behind it in decoding order. */
	readonly damage: Damage;
	/** That of the group before: pictures shown before the key frame may refer to it. Damage may be found later. */
	readonly damageBefore: Damage | null;
	/** The same among the pictures shown before the key frame; those behind it do not refer to them. */
	readonly leadingDamage: Damage;
}

interface Damage {
	/** Order of the first damaged frame. */
	fromOrder: number;
}

/** Said of what does not show in the picture: supplemental information and usability information. */
const HARMLESS = /\b(?:SEI|VUI)\b/;

/** Said below the level of an error, and yet of a picture that is not the one that was sent. */
const COMPLAINT =
	/^(?:concealing \d|Error parsing NAL unit|Skipping invalid undecodable NALU|Verifying checksum .*mismatching)/;

/**
 * Knows of every frame on its way through ffmpeg whether its picture can be believed, from what ffmpeg logs.
 *
 * ffmpeg with one thread logs each NAL unit before it decodes it, in decoding order, then its complaints, and a line for
 * each picture it gives out: so a complaint belongs to the frame whose slices were logged last. Where there are no NAL
 * units, to the first frame that has no picture yet. A frame it complained of spoils those behind it in decoding order up to
 * the next key frame, and the pictures that are shown before that one; so does a missing frame that others may refer to.
 */
export class DamageTracker {
	/** Frames whose slices were not all told of yet, in decoding order. */
	#coming: TrackedFrame[] = [];
	#current: TrackedFrame | null = null;
	#slicesLeft = 0;
	readonly #withoutPicture = new Map<number, TrackedFrame>();
	#group: PictureGroup | null = null;
	#order = 0;
	#hasBegun = false;
	#isCorrupt = false;
	#shownCount = 0;

	/** Pictures that ffmpeg has told of so far. All that it says of a picture it says before it tells of it. */
	get shownCount(): number {
		return this.#shownCount;
	}

	/** The next frame in decoding order; `annexB` is what ffmpeg is going to get, `problem` what is known against it. */
	add(frame: Frame, ticks: number, annexB: Uint8Array, problem: string | null): TrackedFrame {
		if (frame.keyframe || this.#group === null) {
			this.#group = {
				keyTicks: ticks,
				damage: { fromOrder: Number.POSITIVE_INFINITY },
				damageBefore: this.#group?.damage ?? null,
				leadingDamage: { fromOrder: Number.POSITIVE_INFINITY },
			};
		}
		const tracked: TrackedFrame = {
			frame,
			ticks,
			sliceCount: sliceCountOf(frame.track, annexB),
			order: this.#order++,
			group: this.#group,
			problem: null,
		};
		if (problem !== null) this.miss(tracked, problem);
		return tracked;
	}

	/** The frame is on its way to ffmpeg. */
	sent(tracked: TrackedFrame): void {
		if (tracked.sliceCount > 0) this.#coming.push(tracked);
		this.#withoutPicture.set(tracked.ticks, tracked);
	}

	/** Nothing more is to be said of the frame: its picture came, or did not. */
	forget({ ticks }: TrackedFrame): void {
		this.#withoutPicture.delete(ticks);
	}

	/** Why the picture of a frame is not to be believed; null where it is. */
	problemOf({ problem, group, order, ticks }: TrackedFrame): string | null {
		if (problem !== null) return problem;
		const isLeading = ticks < group.keyTicks;
		const isSpoilt =
			order > group.damage.fromOrder ||
			(isLeading &&
				(order > group.leadingDamage.fromOrder || Number.isFinite(group.damageBefore?.fromOrder)));
		return isSpoilt ? 'a frame that it may refer to is damaged' : null;
	}

	/** A frame is missing, which spoils those that may refer to it. */
	miss(tracked: TrackedFrame, problem: string): void {
		if (mayBeReferredTo(tracked.frame)) this.#spoil(tracked, problem);
		else tracked.problem ??= problem;
	}

	/** The next line of ffmpeg's log. */
	line({ level, text }: LogLine): void {
		if (!this.#hasBegun) {
			// Before that it probes, with another decoder.
			this.#hasBegun = text.startsWith('Stream mapping:');
			return;
		}
		const unitType = /^nal_unit_type: (\d+)\(/.exec(text)?.[1];
		if (unitType !== undefined) this.#unit(Number(unitType), text.includes('nuh_layer_id'));
		else if (text.includes('corrupt decoded frame')) this.#isCorrupt = true;
		else if (/^frame:\d+ +pts:/.test(text)) this.#shown(Number(/pts:(\d+)/.exec(text)?.[1]));
		else if ((level === 'error' || level === 'fatal' || COMPLAINT.test(text)) && !HARMLESS.test(text)) {
			const [first] = this.#withoutPicture.values();
			const blamed = this.#current ?? first;
			// Concealment leaks into later pictures, even from a frame that none refers to.
			if (blamed !== undefined) this.#spoil(blamed, text);
		}
	}

	#spoil(tracked: TrackedFrame, problem: string): void {
		tracked.problem ??= problem;
		const { group, order, ticks } = tracked;
		const damage = ticks < group.keyTicks ? group.leadingDamage : group.damage;
		damage.fromOrder = Math.min(damage.fromOrder, order);
	}

	#unit(type: number, isHevc: boolean): void {
		if (!isSliceType(type, isHevc ? 'hevc' : 'avc')) return;
		if (this.#slicesLeft === 0) {
			this.#current = this.#coming.shift() ?? this.#current;
			this.#slicesLeft = this.#current?.sliceCount ?? 0;
		}
		this.#slicesLeft = Math.max(0, this.#slicesLeft - 1);
	}

	#shown(ticks: number): void {
		this.#shownCount++;
		const tracked = this.#withoutPicture.get(ticks);
		if (tracked !== undefined) {
			if (this.#isCorrupt) tracked.problem ??= 'the decoder calls its picture corrupt';
			this.#withoutPicture.delete(ticks);
			// Should it ever tell of fewer slices than there are: what is shown was decoded.
			const at = this.#coming.indexOf(tracked);
			if (at >= 0) {
				this.#coming = this.#coming.slice(at + 1);
				this.#current = tracked;
				this.#slicesLeft = 0;
			}
		}
		this.#isCorrupt = false;
	}
}
