import { InvalidOptionError } from '../errors.js';
import type { Frame } from '../model/media-event.js';

/** Which frames to keep. `everyMs` and `everyNth` count on each track by itself. */
export type FrameSelection =
	| 'all'
	| 'keyframes'
	| { readonly everyMs: number }
	| { readonly everyNth: number };

/** Decides frame by frame, in their order. One selector for one stream. */
export class FrameSelector {
	readonly #select: FrameSelection;
	readonly #counts = new Map<number, number>();
	readonly #nextMs = new Map<number, number>();

	/** Throws {@link InvalidOptionError} for an unknown selection. */
	constructor(select: FrameSelection) {
		if (!isSelection(select)) {
			throw new InvalidOptionError(
				'select',
				"'all', 'keyframes', { everyMs: above 0 } or { everyNth: an integer of at least 1 }",
				select,
			);
		}
		this.#select = select;
	}

	/** Whether to keep this frame. */
	isSelected(frame: Frame): boolean {
		const select = this.#select;
		if (select === 'all') return true;
		if (select === 'keyframes') return frame.keyframe;
		return 'everyNth' in select ? this.#isNth(frame, select.everyNth) : this.#isDue(frame, select.everyMs);
	}

	#isNth({ track }: Frame, everyNth: number): boolean {
		const count = this.#counts.get(track.number) ?? 0;
		this.#counts.set(track.number, count + 1);
		return count % everyNth === 0;
	}

	#isDue(frame: Frame, everyMs: number): boolean {
		const { number } = frame.track;
		const ms = frame.timestampMs ?? Number(frame.timecodeNs) / 1e6;
		const dueMs = this.#nextMs.get(number);
		if (dueMs !== undefined && ms < dueMs && ms > dueMs - 2 * everyMs) return false;
		// The grid stays where the first frame put it; after a gap or a step back it begins anew.
		const isOnGrid = dueMs !== undefined && ms >= dueMs && ms < dueMs + everyMs;
		this.#nextMs.set(number, (isOnGrid ? dueMs : ms) + everyMs);
		return true;
	}
}

function isSelection(select: unknown): select is FrameSelection {
	if (select === 'all' || select === 'keyframes') return true;
	const { everyMs, everyNth } = (select ?? {}) as { everyMs?: unknown; everyNth?: unknown };
	if (everyMs !== undefined) return everyNth === undefined && typeof everyMs === 'number' && everyMs > 0;
	return Number.isInteger(everyNth) && (everyNth as number) >= 1;
}
