import type { StoredTime } from '../../gaps/stored-time.js';
import type { ScreenChooser, ShownFrame } from './screen-times.js';

/** The middles of equal parts of what is stored from some point on. */
class Spread {
	readonly #stored: StoredTime;
	readonly #fromMs: number;
	readonly #stepMs: number;
	readonly #count: number;

	constructor(stored: StoredTime, count: number, fromMs = 0) {
		this.#stored = stored;
		this.#fromMs = fromMs;
		this.#count = count;
		this.#stepMs = (stored.totalMs - fromMs) / count;
	}

	/** The middle of a part, counted from 0, to the microsecond: a frame that is shown right then is on the screen. */
	time(part: number): number {
		return Math.round(this.#stored.at(this.#fromMs + (part + 0.5) * this.#stepMs) * 1000) / 1000;
	}

	/** Middles before a time: those that {@link time} gives a time before it. */
	countBefore(ms: number): number {
		const lengthMs = this.#stored.before(ms) - this.#fromMs;
		// Of nothing that is left, all parts are at its end.
		if (this.#stepMs <= 0) return ms > this.#stored.at(this.#stored.totalMs) ? this.#count : 0;
		const count = Math.min(this.#count, Math.max(0, Math.ceil(lengthMs / this.#stepMs - 0.5)));
		// The quotient is rounded otherwise than the times are.
		if (count > 0 && this.time(count - 1) >= ms) return count - 1;
		return count < this.#count && this.time(count) < ms ? count + 1 : count;
	}
}

/** Whether one of `count` pictures that are spread evenly over what is stored lies between two times. */
export function hasEvenTime(stored: StoredTime, count: number): (fromMs: number, toMs: number) => boolean {
	const spread = new Spread(stored, count);
	return (fromMs, toMs) => spread.countBefore(toMs) > spread.countBefore(fromMs);
}

/**
 * Chooses a number of pictures, evenly over what is stored: that is divided into equal parts, and of each the picture is
 * chosen that is on the screen at its middle; where that has been chosen already, the next one. Where media that is stored does
 * not come, or has fewer pictures than parts, the pictures that are left to be chosen are spread over what comes after it.
 */
export class EvenTimes implements ScreenChooser {
	readonly #stored: StoredTime;
	readonly #taken = new WeakSet<object>();
	#spread: Spread;
	/** Parts of the spread that are decided. */
	#done = 0;
	#left: number;

	constructor(stored: StoredTime, count: number) {
		this.#stored = stored;
		this.#left = count;
		this.#spread = new Spread(stored, count);
	}

	/** Decides the parts whose middle is before `untilMs`. */
	decide<Item extends object>(
		frames: readonly ShownFrame<Item>[],
		untilMs: number | null,
	): Map<Item, number[]> {
		const end = untilMs ?? Number.POSITIVE_INFINITY;
		const due = untilMs === null ? this.#left : this.#spread.countBefore(untilMs) - this.#done;
		if (due <= 0) return new Map();
		const shown = frames
			.filter(({ item, ms }) => ms < end && !this.#taken.has(item))
			.sort((a, b) => a.ms - b.ms);
		const chosen = due < shown.length ? this.#onScreen(shown, due) : shown;
		for (const { item } of chosen) this.#taken.add(item);
		this.#left -= chosen.length;
		this.#done += due;
		if (chosen.length < due && untilMs !== null) {
			this.#spread = new Spread(this.#stored, this.#left, this.#stored.before(untilMs));
			this.#done = 0;
		}
		return new Map(chosen.map(({ item, ms }) => [item, [ms]]));
	}

	/** The frames on the screen in the middle of the next parts, each once; there are more frames than parts. */
	#onScreen<Item>(shown: readonly ShownFrame<Item>[], due: number): ShownFrame<Item>[] {
		const chosen: ShownFrame<Item>[] = [];
		let next = 0;
		for (let part = 0; part < due; part++) {
			const timeMs = this.#spread.time(this.#done + part);
			// As many as there are parts left are kept for them.
			const last = shown.length - (due - part);
			while (next < last && (shown[next + 1] as ShownFrame<Item>).ms <= timeMs) next++;
			chosen.push(shown[next] as ShownFrame<Item>);
			next++;
		}
		return chosen;
	}
}
