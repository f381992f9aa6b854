import { GAP_THRESHOLD_MS } from './gap-threshold.js';
import { type RoomForFragment, TimeExtent } from './time-extent.js';

/** A reference frame comes at most this many frames before it is shown; a time that is further off is wrong. */
const MAX_REORDER_FRAMES = 8;

/** Frames before and after a frame that its time is compared with. */
const NEIGHBOURS = 32;

/** Wrong times in a row, their share of all, and their number; more of them are a clock that was set, or no clock at all. */
const MAX_RUN = 3;
const MAX_SHARE = 1 / 8;
const MAX_OUTLIERS = 64;

/** A frame is missing where two neighbours are this many frames apart. */
const MISSING_FRAMES = 1.5;

/** How long a frame lasts of which nothing else is known. */
const DEFAULT_FRAME_MS = 40;

/** What the frames of a track are compared with. */
export interface TimesOfTrack extends RoomForFragment {
	/** Whether frames may come in another order than they are shown: video. */
	readonly mayReorder: boolean;
}

/** The times of a track's frames, wrong ones put where their frames belong. */
export interface CorrectedTimes {
	/** By frame, in the order in which they were given; milliseconds. */
	readonly timesMs: readonly number[];
	/** Indexes of those that were wrong, in order. Never empty. */
	readonly outliers: readonly number[];
}

/**
 * Finds frames of one track of one fragment whose times are wrong, and where they belong.
 *
 * A time is wrong where the frames around it, in the order in which they came, contradict it: it is later than frames that
 * come after it, or earlier than frames that came before it. At the fragment's ends its own start and that of the next
 * fragment contradict it, where it is far from all other frames too. Not wrong are: B-frames; steps forward of any length (a
 * rate that varies, a pause); a clock that was set, after which all frames are off; and a late last frame where the next
 * fragment is not known. A wrong time is replaced by one between those of its neighbours.
 *
 * @param timesMs - of all of its frames, in the order in which they came; any clock in milliseconds, the same as `track`'s
 * @returns null where no time is wrong: of the usual input that takes one pass
 */
export function correctTimes(timesMs: readonly number[], track: TimesOfTrack): CorrectedTimes | null {
	const times = new TrackTimes();
	for (const ms of timesMs) times.add(ms);
	return times.corrected(track);
}

/** The times of one track of one fragment while its frames come: see {@link correctTimes}. */
export class TrackTimes {
	readonly #timesMs: number[] = [];
	readonly #extent = new TimeExtent();
	#latestMs = Number.NEGATIVE_INFINITY;
	/** How far a frame was before one that came earlier, at most. */
	#backMs = 0;

	/** The next frame. */
	add(ms: number): void {
		this.#timesMs.push(ms);
		this.#extent.add(ms);
		if (ms > this.#latestMs) this.#latestMs = ms;
		else if (this.#latestMs - ms > this.#backMs) this.#backMs = this.#latestMs - ms;
	}

	/** Whether only the start of the next fragment tells if the last frames are where they say. */
	isEndInDoubt(room: Pick<RoomForFragment, 'startMs' | 'frameMs'>): boolean {
		return this.#extent.isInDoubt(room);
	}

	/** What {@link correctTimes} gives. */
	corrected(track: TimesOfTrack): CorrectedTimes | null {
		const timesMs = this.#timesMs;
		const backMs = this.#backMs;
		const span = this.#extent.within(track);
		if (span === null || (span.isAll && backMs <= GAP_THRESHOLD_MS)) return null;
		const { firstMs, lastMs } = span;
		const wrong = new Set<number>();
		for (const [index, ms] of timesMs.entries()) if (ms < firstMs || ms > lastMs) wrong.add(index);
		const frameMs = medianStepMs(sortedWithout(timesMs, wrong));
		const toleranceMs = Math.max(GAP_THRESHOLD_MS, track.mayReorder ? MAX_REORDER_FRAMES * frameMs : 0);
		if (backMs > toleranceMs) addContradicted(timesMs, toleranceMs, wrong);
		return wrong.size === 0 || isClockSet(wrong, timesMs.length) ? null : corrected(timesMs, track, wrong);
	}
}

/** Adds the frames that the frames around them contradict, those first that most of them do. */
function addContradicted(timesMs: readonly number[], toleranceMs: number, wrong: Set<number>): void {
	const contradictions = new Uint32Array(timesMs.length);
	/** The most frames that may follow one that is shown later, in reordered video. */
	let reordered = 0;
	const sorted = sortedWithout(timesMs, wrong);
	const middleMs = sorted[sorted.length >> 1] as number;
	const isContradiction = (early: number, late: number): boolean =>
		(timesMs[early] as number) - (timesMs[late] as number) > toleranceMs;
	for (let early = 0; early < timesMs.length; early++) {
		if (wrong.has(early)) continue;
		let within = 0;
		for (let late = early + 1; late < Math.min(timesMs.length, early + 1 + NEIGHBOURS); late++) {
			if (wrong.has(late)) continue;
			if (isContradiction(early, late)) {
				contradictions[early] = (contradictions[early] as number) + 1;
				contradictions[late] = (contradictions[late] as number) + 1;
			} else if ((timesMs[late] as number) < (timesMs[early] as number)) {
				within++;
			}
		}
		reordered = Math.max(reordered, within);
	}
	const remove = (index: number): void => {
		wrong.add(index);
		contradictions[index] = 0;
		for (let other = Math.max(0, index - NEIGHBOURS); other <= index + NEIGHBOURS; other++) {
			if (other === index || other >= timesMs.length || wrong.has(other)) continue;
			const [early, late] = other < index ? [other, index] : [index, other];
			if (isContradiction(early, late)) contradictions[other] = (contradictions[other] as number) - 1;
		}
	};
	const offMs = (index: number): number => Math.abs((timesMs[index] as number) - middleMs);
	while (wrong.size <= MAX_OUTLIERS) {
		let worst = 0;
		for (let index = 1; index < contradictions.length; index++) {
			const more = (contradictions[index] as number) - (contradictions[worst] as number);
			if (more > 0 || (more === 0 && offMs(index) > offMs(worst))) worst = index;
		}
		if ((contradictions[worst] as number) <= reordered) return;
		remove(worst);
	}
}

/** Whether the wrong times are too many to be mistakes. */
function isClockSet(wrong: ReadonlySet<number>, count: number): boolean {
	if (wrong.size > Math.min(MAX_OUTLIERS, Math.max(2, count * MAX_SHARE))) return true;
	for (const index of wrong) {
		let run = 1;
		while (wrong.has(index + run)) run++;
		if (run > MAX_RUN) return true;
	}
	return false;
}

/** Puts each wrong time where a frame is missing. */
function corrected(
	timesMs: readonly number[],
	track: TimesOfTrack,
	wrong: ReadonlySet<number>,
): CorrectedTimes {
	const result = [...timesMs];
	const outliers = [...wrong].sort((a, b) => a - b);
	const right = sortedWithout(timesMs, wrong);
	const frameMs = medianStepMs(right) || (track.frameMs ?? DEFAULT_FRAME_MS);
	for (const index of outliers) {
		let next = index + 1;
		while (wrong.has(next)) next++;
		const around = { beforeMs: result[index - 1], afterMs: result[next] };
		const ms = placeFor(around, right, frameMs, track);
		result[index] = ms;
		const at = right.findIndex((other) => other > ms);
		right.splice(at === -1 ? right.length : at, 0, ms);
	}
	return { timesMs: result, outliers };
}

/** Of all places where a frame is missing the one that is nearest to the frames around it; else right between these. */
function placeFor(
	{ beforeMs, afterMs }: { beforeMs: number | undefined; afterMs: number | undefined },
	right: readonly number[],
	frameMs: number,
	{ startMs, nextStartMs }: TimesOfTrack,
): number {
	const [firstMs, lastMs] = [right[0], right.at(-1)];
	if (firstMs === undefined || lastMs === undefined) return startMs ?? 0;
	const placeMs =
		((beforeMs ?? (afterMs as number) - 2 * frameMs) + (afterMs ?? (beforeMs as number) + 2 * frameMs)) / 2;
	const missing = [lastMs + Math.min(frameMs, ((nextStartMs ?? Number.POSITIVE_INFINITY) - lastMs) / 2)];
	if (startMs !== null && firstMs - startMs > frameMs / 2) missing.push(Math.max(startMs, firstMs - frameMs));
	for (let index = 1; index < right.length; index++) {
		const [fromMs, toMs] = [right[index - 1] as number, right[index] as number];
		if (toMs - fromMs >= MISSING_FRAMES * frameMs)
			missing.push(fromMs + Math.min(frameMs, (toMs - fromMs) / 2));
	}
	const offMs = (ms: number): number => Math.abs(ms - placeMs);
	const nearestMs = missing.reduce((nearest, ms) => (offMs(ms) < offMs(nearest) ? ms : nearest));
	return offMs(nearestMs) <= MAX_REORDER_FRAMES * frameMs ? nearestMs : placeMs;
}

function sortedWithout(timesMs: readonly number[], wrong: ReadonlySet<number>): number[] {
	return timesMs.filter((_, index) => !wrong.has(index)).sort((a, b) => a - b);
}

/** What most frames last; 0 where there are fewer than two. */
function medianStepMs(sortedMs: readonly number[]): number {
	const steps = sortedMs.slice(1).map((ms, index) => ms - (sortedMs[index] as number));
	return steps.sort((a, b) => a - b)[(steps.length - 1) >> 1] ?? 0;
}
