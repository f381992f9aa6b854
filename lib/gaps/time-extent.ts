import { GAP_THRESHOLD_MS } from './gap-threshold.js';

/** Frames may come by so much before their fragment's own start: audio that is interleaved, and frames of an open group. */
export const MAX_EARLY_MS = 1000;

/** A wrong time is further from all others than the duration of this many frames. */
const ISOLATION_FRAMES = 3;

/** What the neighbours of a fragment leave room for, in milliseconds. */
export interface RoomForFragment {
	/** Where the fragment itself says it starts; null where it does not. */
	readonly startMs: number | null;
	/** Where the next one starts; null where that is not known. */
	readonly nextStartMs: number | null;
	/** How long a frame lasts where the fragment has too few to tell; null where nothing else tells either. */
	readonly frameMs: number | null;
}

/** From the first to the last frame that is where its neighbours leave room for it. */
export interface TimeSpan {
	readonly firstMs: number;
	readonly lastMs: number;
	/** Frames from one to the other. */
	readonly count: number;
	/** Whether these are all frames. */
	readonly isAll: boolean;
}

/** A {@link TimeExtent}, as plain JSON. */
export interface TimeExtentState {
	readonly count: number;
	/** At most three. */
	readonly earliestMs: readonly number[];
	/** At most three, the latest first. */
	readonly latestMs: readonly number[];
}

/**
 * From when to when the frames of one track are in a fragment, where up to two wrong times at either end are not believed:
 * those that are before the fragment's start or after the start of the next one, and far from all other frames. Two are
 * forgiven and not more, since more of them are a clock that was set, or a second producer. Holds seven numbers.
 */
export class TimeExtent {
	#count = 0;
	#first = Number.POSITIVE_INFINITY;
	#second = Number.POSITIVE_INFINITY;
	#third = Number.POSITIVE_INFINITY;
	#last = Number.NEGATIVE_INFINITY;
	#lastButOne = Number.NEGATIVE_INFINITY;
	#lastButTwo = Number.NEGATIVE_INFINITY;

	/** @param state - what another extent knew, to go on from there */
	constructor(state?: TimeExtentState) {
		if (state === undefined) return;
		for (const ms of state.earliestMs) this.#addEarly(ms);
		for (const ms of state.latestMs) this.#addLate(ms);
		this.#count = state.count;
	}

	/** What is known so far. */
	state(): TimeExtentState {
		return {
			count: this.#count,
			earliestMs: this.#earliest().filter(Number.isFinite),
			latestMs: this.#latest().filter(Number.isFinite),
		};
	}

	/** Frames so far. */
	get count(): number {
		return this.#count;
	}

	/** Whether all frames but two are long before a time; of few frames that cannot be said. */
	isBefore(ms: number): boolean {
		return this.#count > 3 && this.#lastButTwo < ms - MAX_EARLY_MS;
	}

	/** The next frame, in any order. */
	add(ms: number): void {
		this.#count++;
		if (ms < this.#third) this.#addEarly(ms);
		if (ms > this.#lastButTwo) this.#addLate(ms);
	}

	/** The frames that are where there is room for them; null where there is none at all. */
	within(room: RoomForFragment): TimeSpan | null {
		if (this.#count === 0) return null;
		if (this.#count === 1) return this.#single(room);
		const [earliest, latest] = [this.#earliest(), this.#latest()];
		const { startMs, nextStartMs } = room;
		const early = startMs === null ? 0 : this.#isolated(earliest, room, (ms) => ms < startMs - MAX_EARLY_MS);
		const late = nextStartMs === null ? 0 : this.#isolated(latest, room, (ms) => ms > nextStartMs);
		const count = this.#count - early - late;
		if (count < 1) return { firstMs: this.#first, lastMs: this.#last, count: this.#count, isAll: true };
		const isAll = early + late === 0;
		return { firstMs: earliest[early] as number, lastMs: latest[late] as number, count, isAll };
	}

	/** Whether the latest times are so far from all others that only the start of the next fragment shows whether they are right. */
	isInDoubt({ startMs, frameMs }: Pick<RoomForFragment, 'startMs' | 'frameMs'>): boolean {
		if (this.#count === 1) return startMs !== null && this.#last > startMs + MAX_EARLY_MS;
		return this.#isolated(this.#latest(), { startMs, nextStartMs: null, frameMs }, () => true) > 0;
	}

	/** A single frame is where its fragment starts, if its own time is neither near that nor before the next start. */
	#single({ startMs, nextStartMs }: RoomForFragment): TimeSpan {
		const ms = this.#first;
		const isEarly = startMs !== null && ms < startMs - MAX_EARLY_MS;
		const isLate =
			startMs !== null && nextStartMs !== null && startMs < nextStartMs && ms > nextStartMs + MAX_EARLY_MS;
		const spanMs = isEarly || isLate ? startMs : ms;
		return { firstMs: spanMs, lastMs: spanMs, count: 1, isAll: spanMs === ms };
	}

	/** How many of the outermost times are wrong: beyond what there is room for, and far from the next one inwards. */
	#isolated(outermost: readonly number[], room: RoomForFragment, isBeyond: (ms: number) => boolean): number {
		for (let wrong = Math.min(2, this.#count - 1); wrong > 0; wrong--) {
			const [ms, inner] = [outermost[wrong - 1] as number, outermost[wrong] as number];
			const frameMs = this.#frameMs(wrong) ?? room.frameMs;
			if (frameMs === null || !isBeyond(ms)) continue;
			if (Math.abs(ms - inner) > Math.max(GAP_THRESHOLD_MS, ISOLATION_FRAMES * frameMs)) return wrong;
		}
		return 0;
	}

	/** What a frame lasts among those that are not in doubt; null where there are too few of them. */
	#frameMs(doubtful: number): number | null {
		if (this.#count > 5) return (this.#lastButTwo - this.#third) / (this.#count - 5);
		const steps = this.#count - 1 - doubtful;
		if (steps < 1) return null;
		// Of few frames the steps at one end are those that are not in doubt.
		const [earliest, latest] = [this.#earliest(), this.#latest()];
		return (
			Math.min((latest[doubtful] as number) - this.#first, this.#last - (earliest[doubtful] as number)) /
			steps
		);
	}

	#earliest(): number[] {
		return [this.#first, this.#second, this.#third];
	}

	#latest(): number[] {
		return [this.#last, this.#lastButOne, this.#lastButTwo];
	}

	#addEarly(ms: number): void {
		if (ms < this.#first) {
			this.#third = this.#second;
			this.#second = this.#first;
			this.#first = ms;
		} else if (ms < this.#second) {
			this.#third = this.#second;
			this.#second = ms;
		} else {
			this.#third = ms;
		}
	}

	#addLate(ms: number): void {
		if (ms > this.#last) {
			this.#lastButTwo = this.#lastButOne;
			this.#lastButOne = this.#last;
			this.#last = ms;
		} else if (ms > this.#lastButOne) {
			this.#lastButTwo = this.#lastButOne;
			this.#lastButOne = ms;
		} else {
			this.#lastButTwo = ms;
		}
	}
}
