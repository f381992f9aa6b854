/** What is measured in, of which a step is a whole number: nanoseconds, or milliseconds where that number would grow too large. */
const TICKS_PER_SECOND = 1e9;
const LONG_STEP_NS = 2e9;

/** A step that is this near to a usual rate, as a share of itself, is that: durations are rounded to nanoseconds. */
const ROUNDING = 1e-6;

/** How many seconds may hold a whole number of pictures: two of every twelfth of 30 a second, which is 5:2. */
const USUAL_SECONDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1001];

/** The frame rate of a stream of which nothing says it. */
const DEFAULT_STEP_NS = 4e7;

/** What a Y4M stream says of its pictures once, before the first. */
export interface Y4mFields {
	readonly width: number;
	readonly height: number;
	/** From one picture to the next; null where that is not known. */
	readonly stepNs: number | null;
	/** Whether the pixels are square; else that is not known. */
	readonly isSquare: boolean;
}

/** Before the bytes of each picture. */
export const Y4M_FRAME = Buffer.from('FRAME\n');

/**
 * The header of a Y4M stream (yuv4mpeg(5)) of pictures in `yuv420p`, limited range, colours where MPEG-2 and H.264 have them. It has
 * one fixed frame rate, whatever the times of the pictures are.
 */
export function y4mHeader({ width, height, stepNs, isSquare }: Y4mFields): Buffer {
	const aspect = isSquare ? '1:1' : '0:0';
	return Buffer.from(
		`YUV4MPEG2 W${width} H${height} F${rateOf(stepNs)} Ip A${aspect} C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED\n`,
	);
}

/** Pictures a second, as a fraction of whole numbers. */
function rateOf(known: number | null): string {
	const stepNs = known !== null && known >= 1 ? known : DEFAULT_STEP_NS;
	for (const per of USUAL_SECONDS) {
		const count = Math.round((per * TICKS_PER_SECOND) / stepNs);
		if (Math.abs((per * TICKS_PER_SECOND) / count - stepNs) <= ROUNDING * stepNs) return `${count}:${per}`;
	}
	const ticksPerSecond = stepNs > LONG_STEP_NS ? 1000 : TICKS_PER_SECOND;
	const ticks = Math.max(1, Math.round((stepNs * ticksPerSecond) / TICKS_PER_SECOND));
	const common = greatestCommonDivisor(ticksPerSecond, ticks);
	return `${ticksPerSecond / common}:${ticks / common}`;
}

function greatestCommonDivisor(a: number, b: number): number {
	return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
