import {
	AccessUnit,
	isReferenceFrame,
	isSliceType,
	nalCodecOf,
	startsClosedGop,
} from '../codecs/nal/access-unit.js';
import type { Frame } from '../model/media-event.js';
import type { LogLine } from './ffmpeg-log.js';

/** A frame and what is known against its picture. */
export interface TrackedFrame {
	readonly frame: Frame;
	readonly ticks: number;
	/** Slices that the decoder will log; 0 where it logs none. */
	readonly sliceCount: number;
	readonly order: number;
	readonly group: PictureGroup;
	/** What is wrong with the frame itself. */
	problem: string | null;
}

/** A key frame and those after it in decoding order. */
interface PictureGroup {
	readonly keyTicks: number;
	/** Whether the run begins in the middle of a stream: with a key frame that others are shown before, and refer to more than it. */
	readonly isOpenStart: boolean;
	/** Time of the first picture of it that the decoder showed. */
	shownTicks: number | null;
	/** The damage of this group that reaches those after it in decoding order. */
	readonly damage: Damage;
	/** That of the group before an open one: pictures shown before the key frame may refer to it. Damage may be found later. */
	readonly damageBefore: Damage | null;
	/** The same among the pictures shown before the key frame; those after it do not refer to them. */
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

/** Said of the frames before an open start, which are not there: they are to be forgotten, or were counted. */
const ABSENCE = /^(?:mmco: unref short failure|Frame num gap)/;

/** Said of a picture that changes nothing of the scene. */
const LEFT_OUT = /^n:\S+ pts:(\d+)\S* .* -> select:0\.0+ /;

const WITHOUT_ITS_PAST = 'it refers to frames before its key frame, which are missing';

/** A picture that is renewed bit by bit (intra refresh) is not shown before it is whole. */
const NOT_WHOLE = 'its key frame holds no whole picture, and the frames before it are missing';

/**
 * Knows of every frame on its way through ffmpeg whether its picture can be believed, from what ffmpeg logs.
 *
 * ffmpeg with one thread logs each NAL unit before it decodes it, in decoding order, then its complaints, and a line for
 * each picture it gives out: so a complaint belongs to the frame whose slices were logged last. Where there are no NAL
 * units, to the first frame that has no picture yet. A frame that it reported spoils those after it in decoding order up to
 * the next key frame, and the pictures that are shown before that one; so does a missing frame that others may refer to.
 */
export class DamageTracker {
	/** Frames whose slices were not all logged yet, in decoding order. */
	#coming: TrackedFrame[] = [];
	#current: TrackedFrame | null = null;
	#slicesLeft = 0;
	readonly #withoutPicture = new Map<number, TrackedFrame>();
	#group: PictureGroup | null = null;
	#order = 0;
	#hasBegun = false;
	#isCorrupt = false;
	#shownCount = 0;
	#leftOut: number[] = [];

	/** Pictures that ffmpeg has logged so far. All messages about a picture come before its own line. */
	get shownCount(): number {
		return this.#shownCount;
	}

	/** Whether ffmpeg has logged the picture of a frame. */
	isShown({ ticks }: TrackedFrame): boolean {
		return !this.#withoutPicture.has(ticks);
	}

	/** Takes the times of the pictures that ffmpeg has left out since, as they are not wanted. */
	takeLeftOut(): readonly number[] {
		const leftOut = this.#leftOut;
		this.#leftOut = [];
		return leftOut;
	}

	/** The next frame, a key frame, has nothing to do with those before it. */
	cut(): void {
		this.#group = null;
	}

	/** The next frame in decoding order; `problem` what is known against it. */
	add(frame: Frame, ticks: number, problem: string | null): TrackedFrame {
		if (frame.keyframe || this.#group === null) {
			this.#group = {
				keyTicks: ticks,
				isOpenStart: this.#group === null && !startsClosedGop(frame),
				shownTicks: null,
				damage: { fromOrder: Number.POSITIVE_INFINITY },
				damageBefore: startsClosedGop(frame) ? null : (this.#group?.damage ?? null),
				leadingDamage: { fromOrder: Number.POSITIVE_INFINITY },
			};
		}
		const tracked: TrackedFrame = {
			frame,
			ticks,
			sliceCount: AccessUnit.of(frame)?.sliceCount ?? 0,
			order: this.#order++,
			group: this.#group,
			problem: null,
		};
		if (problem !== null) this.miss(tracked, problem);
		return tracked;
	}

	/** Whether ffmpeg has to get the frame: for its picture, or as it counts the others from it. */
	isNeeded(tracked: TrackedFrame): boolean {
		return isWithoutItsPast(tracked) ? tracked.problem === null : this.problemOf(tracked) === null;
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
	problemOf(tracked: TrackedFrame): string | null {
		const { problem, group, order, ticks } = tracked;
		if (problem !== null) return problem;
		if (isWithoutItsPast(tracked)) return WITHOUT_ITS_PAST;
		const isLeading = ticks < group.keyTicks;
		const isSpoilt =
			order > group.damage.fromOrder ||
			(isLeading &&
				(order > group.leadingDamage.fromOrder || Number.isFinite(group.damageBefore?.fromOrder)));
		return isSpoilt ? 'a frame that it may refer to is damaged' : null;
	}

	/** Why a frame of an open start gives no picture though nothing is damaged; null where that is not the reason. */
	whyNotShown(tracked: TrackedFrame): string | null {
		const { group, ticks } = tracked;
		if (!group.isOpenStart || this.problemOf(tracked) !== null) return null;
		if (ticks < group.keyTicks) return WITHOUT_ITS_PAST;
		return group.shownTicks === null || ticks < group.shownTicks ? NOT_WHOLE : null;
	}

	/** A frame is missing, which spoils those that may refer to it. */
	miss(tracked: TrackedFrame, problem: string): void {
		if (isReferenceFrame(tracked.frame)) this.#spoil(tracked, problem);
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
		else if (LEFT_OUT.test(text)) this.#leftOut.push(Number(LEFT_OUT.exec(text)?.[1]));
		else if (/^frame:\d+ +pts:/.test(text)) this.#shown(Number(/pts:(\d+)/.exec(text)?.[1]));
		else if ((level === 'error' || level === 'fatal' || COMPLAINT.test(text)) && !HARMLESS.test(text)) {
			const [first] = this.#withoutPicture.values();
			const blamed = this.#current ?? first;
			if (blamed === undefined || (blamed.group.isOpenStart && ABSENCE.test(text))) return;
			// Concealment leaks into later pictures, even from a frame that none refers to.
			this.#spoil(blamed, text);
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
			tracked.group.shownTicks ??= ticks;
			if (this.#isCorrupt) tracked.problem ??= 'the decoder reports its picture as corrupt';
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

/** Whether a frame is shown before the key frame that an H.264 run begins with. ffmpeg leaves those of H.265 out by itself. */
function isWithoutItsPast({ frame, group, ticks }: TrackedFrame): boolean {
	return group.isOpenStart && ticks < group.keyTicks && nalCodecOf(frame.track) === 'avc';
}
