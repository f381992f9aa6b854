import { InvalidOptionError } from '../errors.js';
import type { Frame } from '../model/media-event.js';

/** Which frames to keep. `everyMs` and `everyNth` count on each track by itself. */
export type FrameSelection =
	| 'all'
	| 'keyframes'
	| { readonly everyMs: number }
	| { readonly everyNth: number };

/** What a selector knows of the frames so far; plain JSON. */
export interface FrameSelectorState {
	/** By number of the track. */
	readonly counts: readonly (readonly [number, number])[];
	readonly grids: readonly (readonly [number, Grid])[];
}

/** Decides frame by frame, in their order. One selector for one stream. */
export class FrameSelector {
	readonly #select: FrameSelection;
	readonly #counts: Map<number, number>;
	readonly #grids: Map<number, Grid>;

	/** `past`: what another selector knew, to go on from. Throws {@link InvalidOptionError} for an unknown selection. */
	constructor(select: FrameSelection, past?: FrameSelectorState) {
		this.#counts = new Map(past?.counts);
		this.#grids = new Map(past?.grids.map(([track, grid]) => [track, { ...grid }]));
		if (!isFrameSelection(select)) {
			throw new InvalidOptionError(
				'select',
				"'all', 'keyframes', { everyMs: above 0 } or { everyNth: an integer of at least 1 }",
				select,
			);
		}
		this.#select = select;
	}

	/** What another selector needs to go on from here. */
	get state(): FrameSelectorState {
		return {
			counts: [...this.#counts],
			grids: [...this.#grids].map(([track, grid]) => [track, { ...grid }]),
		};
	}

	/** Whether to keep this frame. `ms`: its time, where that is known better than the frame says. */
	isSelected(frame: Frame, ms = frame.timestampMs ?? Number(frame.timecodeNs) / 1e6): boolean {
		const select = this.#select;
		if (select === 'all') return true;
		if (select === 'keyframes') return frame.keyframe;
		return 'everyNth' in select
			? this.#isNth(frame, select.everyNth)
			: this.#isDue(frame, ms, select.everyMs);
	}

	#isNth({ track }: Frame, everyNth: number): boolean {
		const count = this.#counts.get(track.number) ?? 0;
		this.#counts.set(track.number, count + 1);
		return count % everyNth === 0;
	}

	#isDue({ track }: Frame, ms: number, everyMs: number): boolean {
		let grid = this.#grids.get(track.number);
		// A few frames whose times are plainly wrong do not move the grid.
		const { before = null } = grid ?? {};
		if (grid !== undefined && before !== null && distance(ms, before) < distance(ms, grid)) grid = before;
		const next = nextGrid(grid, ms);
		this.#grids.set(track.number, next);
		if (grid !== undefined && ms < grid.dueMs && ms > grid.dueMs - 2 * everyMs) return false;
		// The grid stays where the first frame put it; after a gap or a step back it begins anew.
		const isOnGrid = grid !== undefined && ms >= grid.dueMs && ms < grid.dueMs + everyMs;
		next.dueMs = (isOnGrid ? next.dueMs : ms) + everyMs;
		return true;
	}
}

/** Where a track is on its way. */
interface Grid {
	/** When the next frame is due. */
	dueMs: number;
	/** Time of the last frame. */
	readonly lastMs: number;
	/** What was before the last jump, as long as that may be a wrong time. */
	readonly before: Grid | null;
	/** Frames since the last jump. */
	readonly sinceJump: number;
}

/** Frames in another order than they are shown are not so far apart. */
const MAX_REORDER_MS = 2000;

/** The most wrong times in a row; more of them are a clock that was set. */
const MAX_WRONG_TIMES = 3;

function nextGrid(grid: Grid | undefined, ms: number): Grid {
	if (grid === undefined) return { dueMs: ms, lastMs: ms, before: null, sinceJump: 0 };
	const { dueMs } = grid;
	if (distance(ms, grid) > MAX_REORDER_MS) {
		return { dueMs, lastMs: ms, before: { ...grid, before: null }, sinceJump: 1 };
	}
	const sinceJump = grid.sinceJump + 1;
	return { dueMs, lastMs: ms, before: sinceJump > MAX_WRONG_TIMES ? null : grid.before, sinceJump };
}

function distance(ms: number, { lastMs }: Grid): number {
	return Math.abs(ms - lastMs);
}

/** Whether a value is a {@link FrameSelection}. */
export function isFrameSelection(select: unknown): select is FrameSelection {
	if (select === 'all' || select === 'keyframes') return true;
	const { everyMs, everyNth } = (select ?? {}) as { everyMs?: unknown; everyNth?: unknown };
	if (everyMs !== undefined) return everyNth === undefined && typeof everyMs === 'number' && everyMs > 0;
	return Number.isInteger(everyNth) && (everyNth as number) >= 1;
}
