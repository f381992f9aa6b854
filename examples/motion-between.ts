import type { Picture } from 'kvs-archive';

/** How much moves from one picture in NV12 to another: the mean change of brightness, 0 to 255. */
export function motionBetween(one: Picture, other: Picture): number {
	// NV12 begins with the brightness of every pixel, a byte each.
	const pixels = one.width * one.height;
	if (other.width * other.height !== pixels) return 255;
	let sum = 0;
	for (let at = 0; at < pixels; at++) sum += Math.abs((one.data[at] as number) - (other.data[at] as number));
	return sum / pixels;
}
