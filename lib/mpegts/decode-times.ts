/**
 * When the frames of a segment are decoded, given when they are shown: both in ticks, in decode order. Never later than
 * they are shown, and rising.
 *
 * Without B-frames that is when they are shown. With them it is the n-th time of presentation, earlier by as long as
 * frames wait for others: evenly, so that players that take the steps between decode times for durations end the segment
 * where it ends. Only the first frames are decoded closer together, so that they do not come before those of the segment
 * before, and a tick earlier, as ffmpeg takes it for wrong that a frame is shown at the moment it is decoded. hls.js leaves the time between the decoding and the presentation of the first picture empty wherever it begins
 * a timeline. With `beginsTimeline` that time is as short as can be.
 */
export function decodeTimes(shownTicks: readonly number[], beginsTimeline: boolean): number[] {
	const slots = shownTicks.toSorted((a, b) => a - b);
	const delayTicks = slots.reduce(
		(most, slot, index) => Math.max(most, slot - (shownTicks[index] as number)),
		0,
	);
	if (delayTicks === 0) return [...shownTicks];
	const [first] = slots as [number];
	const frameTicks = ((slots.at(-1) as number) - first) / (slots.length - 1);
	const leastTicks = frameTicks * leadFrames(slots.length);
	const leadTicks = beginsTimeline ? leastTicks : Math.max(leastTicks, delayTicks - frameTicks + leastTicks);
	const startTicks = first - Math.ceil(leadTicks);
	const decodeTicks = slots.map((slot) => slot - delayTicks - 1);
	const found = decodeTicks.findIndex((ticks) => ticks >= first);
	const early = found < 0 ? decodeTicks.length : found;
	for (let index = 0; index < early; index++) {
		decodeTicks[index] = startTicks + Math.floor((index * (first - startTicks)) / early);
	}
	return decodeTicks;
}

/**
 * How much earlier than it is shown the first of `count` frames is decoded at least, in frames.
 *
 * So much that the step from the last frame of the segment before is at most a frame longer than those within, for which
 * 2 / (count + 1) would do, and some more, as audio may move the segment a little: hls.js takes a longer step for a hole,
 * and closes it by moving the key frame onto the frame before it.
 */
function leadFrames(count: number): number {
	return Math.min(1 / 2, 3 / (count + 1));
}
