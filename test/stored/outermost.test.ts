import { fc, testProp } from '@fast-check/ava';
import { type Look, outermost } from '#lib/stored/outermost.js';

const PAGE = 10;

testProp(
	'the earliest or latest start is found in a few listings, whatever the order of their fragments',
	[
		fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 400 }),
		fc.constantFrom('first', 'last', 'any'),
		fc.nat(),
		fc.boolean(),
	],
	async (t, starts, order, seed, isLast) => {
		const sorted = starts.toSorted((a, b) => a - b);
		let looks = 0;
		const look: Look = async (aMs, bMs) => {
			looks++;
			t.true(aMs <= bMs);
			const inRange = sorted.filter((ms) => ms >= aMs && ms <= bMs);
			if (order === 'last') inRange.reverse();
			const step = order === 'any' ? 1 + (seed % 97) : 0;
			const skip = inRange.length === 0 ? 0 : (step * 31) % inRange.length;
			const startsMs = [...inRange.slice(skip), ...inRange.slice(0, skip)].slice(0, PAGE);
			return { startsMs, isAll: inRange.length <= PAGE };
		};
		const known = sorted[seed % sorted.length] as number;
		t.is(
			await outermost(look, known, isLast ? 1_000_000 : 0),
			(isLast ? sorted.at(-1) : sorted[0]) as number,
		);
		t.true(looks <= 45, `${looks} listings`);
	},
);
