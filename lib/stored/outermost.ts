/** Some of the fragments that begin in a range, both ends included; `isAll`: these are all. */
export type Look = (
	aMs: number,
	bMs: number,
) => Promise<{ readonly startsMs: number[]; readonly isAll: boolean }>;

/**
 * The start that is nearest to `limitMs`, from one that is known on. A listing gives any of the fragments of its range first, and so those near
 * its limit soon; where it gives the others first, every second listing is of the farther half.
 */
export async function outermost(look: Look, knownMs: number, limitMs: number): Promise<number> {
	const side = Math.sign(limitMs - knownMs);
	let [foundMs, endMs] = [knownMs, limitMs];
	for (let isHalf = false; foundMs !== endMs; isHalf = !isHalf) {
		const stepMs = isHalf ? Math.ceil(Math.abs(endMs - foundMs) / 2) : 1;
		const fromMs = foundMs + side * stepMs;
		const { startsMs, isAll } = await look(Math.min(fromMs, endMs), Math.max(fromMs, endMs));
		if (startsMs.length > 0) foundMs = side > 0 ? Math.max(...startsMs) : Math.min(...startsMs);
		else if (isHalf) endMs = fromMs - side;
		if (startsMs.length > 0 ? isAll : !isHalf) break;
	}
	return foundMs;
}
