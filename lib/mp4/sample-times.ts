/** When a frame of a track is shown or heard. */
export interface TimedSample {
	/** In milliseconds of the file, fractional. */
	readonly ms: number;
	/** Null where it is not known. */
	readonly durationMs: number | null;
}

/** One frame of a track, in decode order, with its place in the file. */
export interface Sample extends TimedSample {
	readonly data: Uint8Array;
	readonly keyframe: boolean;
}

/** What a track's next segment must know of those before, as plain JSON. All in ticks of the track's timescale. */
export interface TrackState {
	/** Decode time of the last sample. */
	readonly lastDecodeTicks: number;
	/** How long that one lasts. */
	readonly durationTicks: number;
	/** Where the track ends so far, by presentation. */
	readonly endTicks: number;
}

/** Samples with their times in whole ticks, by the index of the sample. */
export interface SampleTimes {
	readonly decodeTicks: Float64Array;
	/** Presentation after decode time; never negative. */
	readonly offsetTicks: Float64Array;
	/** More than 0. */
	readonly durationTicks: Float64Array;
	readonly state: TrackState;
}

/** How long a frame lasts of which nothing else is known. */
const DEFAULT_DURATION_MS = 40;

/** A time in the ticks of a track. From the time itself and never from a sum, so that rounding does not add up. */
export function ticksOf(ms: number, timescale: number): number {
	return Math.round((ms * timescale) / 1000);
}

/**
 * By how much samples must be shown after their decode times so that none is shown before it is decoded: 0 where decode
 * order is the order of display, else as long as frames wait for those that are shown before them.
 */
export function reorderDelayTicks(samples: readonly TimedSample[], timescale: number): number {
	const shownTicks = samples.map(({ ms }) => ticksOf(ms, timescale));
	const inOrder = [...shownTicks].sort((a, b) => a - b);
	return shownTicks.reduce((delay, ticks, index) => Math.max(delay, (inOrder[index] as number) - ticks), 0);
}

/**
 * Gives samples decode times, which Matroska does not have and MP4 is built on.
 *
 * The n-th sample is decoded at the n-th presentation time, and shown `delayTicks` later than it says; the track's edit
 * list takes that off again. Thereby offsets are never negative. Negative ones are allowed (version 1 of `trun`), and
 * browsers take them, but ffmpeg up to 5.1 shows a whole track late for them; and an edit list is kept by ffmpeg, by
 * Chromium (`<video>` and MSE) and by mediabunny. Where the delay is too short for a segment, its samples are decoded
 * closer together, evenly where that can be, and a tick apart at least. Presentation times are exact, but for samples that begin before what is already
 * decoded (producers whose fragments overlap): those are shown as soon as they can.
 */
export function timeSamples(
	samples: readonly TimedSample[],
	timescale: number,
	{ delayTicks, state, nextMs }: { delayTicks: number; state: TrackState | null; nextMs: number | null },
): SampleTimes {
	const lastIndex = samples.length - 1;
	const shownTicks = new Float64Array(samples.length);
	const decodeTicks = new Float64Array(samples.length);
	for (let index = 0; index <= lastIndex; index++) {
		const ticks = ticksOf((samples[index] as TimedSample).ms, timescale);
		shownTicks[index] = ticks + delayTicks;
		decodeTicks[index] = ticks;
	}
	decodeTicks.sort();
	let latest = Number.POSITIVE_INFINITY;
	for (let index = lastIndex; index >= 0; index--) {
		latest = Math.min(latest - 1, shownTicks[index] as number, decodeTicks[index] as number);
		decodeTicks[index] = latest;
	}
	spread(decodeTicks);
	let earliest = state === null ? 0 : state.lastDecodeTicks + 1;
	const offsetTicks = new Float64Array(samples.length);
	const durationTicks = new Float64Array(samples.length);
	for (let index = 0; index <= lastIndex; index++) {
		const ticks = Math.max(earliest, decodeTicks[index] as number);
		decodeTicks[index] = ticks;
		offsetTicks[index] = Math.max(0, (shownTicks[index] as number) - ticks);
		if (index > 0) durationTicks[index - 1] = ticks - (decodeTicks[index - 1] as number);
		earliest = ticks + 1;
	}
	const lastDecodeTicks = decodeTicks[lastIndex] as number;
	const lastDuration = (): number => {
		if (nextMs !== null) return ticksOf(nextMs, timescale) - lastDecodeTicks;
		const { ms, durationMs } = samples[lastIndex] as TimedSample;
		if (durationMs !== null) return ticksOf(ms + durationMs, timescale) - ticksOf(ms, timescale);
		if (lastIndex > 0) return Math.round((lastDecodeTicks - (decodeTicks[0] as number)) / lastIndex);
		return state?.durationTicks ?? ticksOf(DEFAULT_DURATION_MS, timescale);
	};
	const lastDurationTicks = Math.max(1, lastDuration());
	durationTicks[lastIndex] = lastDurationTicks;
	let endTicks = state?.endTicks ?? 0;
	for (let index = 0; index <= lastIndex; index++) {
		const shown = (decodeTicks[index] as number) + (offsetTicks[index] as number) - delayTicks;
		endTicks = Math.max(endTicks, shown + (durationTicks[index] as number));
	}
	return {
		decodeTicks,
		offsetTicks,
		durationTicks,
		state: { lastDecodeTicks, durationTicks: lastDurationTicks, endTicks },
	};
}

/** Moves samples that are a tick apart back, so that they share the time since the one before them. */
function spread(ticks: Float64Array): void {
	for (let start = 1; start < ticks.length; start++) {
		let end = start;
		while (end + 1 < ticks.length && (ticks[end + 1] as number) - (ticks[end] as number) === 1) end++;
		const from = ticks[start - 1] as number;
		const step = ((ticks[end] as number) - from) / (end - start + 1);
		for (let index = start; index < end; index++)
			ticks[index] = from + Math.floor(step * (index - start + 1));
		start = end;
	}
}
