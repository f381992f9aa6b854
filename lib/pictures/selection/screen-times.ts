/** A frame that may be on the screen, and from when on. */
export interface ShownFrame<Item> {
	readonly item: Item;
	readonly ms: number;
}

/** Chooses frames by what is on the screen, as time goes on. */
export interface ScreenChooser {
	/**
	 * What is chosen before `untilMs` (null: all that is left): of `frames`, in any order, which must be all that are shown before it;
	 * some that are shown later may be among them. Gives with each frame that is chosen the times at which it is on the screen.
	 */
	decide<Item extends object>(
		frames: readonly ShownFrame<Item>[],
		untilMs: number | null,
	): Map<Item, number[]>;
}

/** Finds which frame is on the screen at given times: the last one that is shown at or before each. */
export class ScreenTimes implements ScreenChooser {
	/** Not decided yet, in order. */
	#pendingMs: readonly number[];

	constructor(timesMs: readonly number[]) {
		this.#pendingMs = [...timesMs].sort((a, b) => a - b);
	}

	/** Decides the times before `untilMs`. Those before the first of the frames have none, and are dropped. */
	decide<Item>(frames: readonly ShownFrame<Item>[], untilMs: number | null): Map<Item, number[]> {
		const end = untilMs ?? Number.POSITIVE_INFINITY;
		const due = this.#pendingMs.filter((timeMs) => timeMs < end);
		this.#pendingMs = this.#pendingMs.slice(due.length);
		const inOrder = [...frames].sort((a, b) => a.ms - b.ms);
		const found = new Map<Item, number[]>();
		let next = 0;
		for (const timeMs of due) {
			while (next < inOrder.length && (inOrder[next] as ShownFrame<Item>).ms <= timeMs) next++;
			const shown = inOrder[next - 1];
			if (shown !== undefined) found.set(shown.item, [...(found.get(shown.item) ?? []), timeMs]);
		}
		return found;
	}
}
