import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { FragmentIndex, type Snapshot } from '#lib/server/store/fragment-index.js';
import type { StoredFragment } from '#lib/server/store/stored-fragment.js';

function fragmentOf(number: string, times: { producerMs: number; serverMs: number }): StoredFragment {
	return { number, payload: 'p', offset: 0, sizeBytes: 1, lengthMs: 0, frames: 1, ...times };
}

const clock = fc.constantFrom('producer' as const, 'server' as const);
const times = fc.record({ producerMs: fc.nat(50), serverMs: fc.nat(50), isPermanent: fc.boolean() });

testProp(
	'a look-up finds what a scan finds, in every earlier state of the index, whatever came after',
	[fc.array(times, { maxLength: 60 }), clock, fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50)],
	(t, all, by, startMs, endMs, untilMs, sinceMs) => {
		const index = new FragmentIndex(4);
		const listed: { snapshot: Snapshot; numbers: string[] }[] = [];
		const range = { clock: by, startMs, endMs };
		const numbersIn = (snapshot: Snapshot): string[] => {
			const selection = index.select(range, snapshot);
			return Array.from({ length: selection.length }, (_, position) => selection.at(position).number);
		};
		for (const [ordinal, { isPermanent, ...at }] of all.entries()) {
			const snapshot = { appended: ordinal, untilMs, sinceMs };
			listed.push({ snapshot, numbers: numbersIn(snapshot) });
			const payload = isPermanent ? 'permanent' : 'expiring';
			index.add({ ...fragmentOf(`${ordinal}`, at), payload }, isPermanent);
		}
		for (const { snapshot, numbers } of listed) {
			t.deepEqual(numbersIn(snapshot), numbers);
			const key = `${by}Ms` as const;
			const expected = all
				.map((fragment, ordinal) => ({ ...fragment, ordinal }))
				.filter(
					(fragment) =>
						fragment.ordinal < snapshot.appended &&
						fragment[key] >= startMs &&
						fragment[key] <= endMs &&
						fragment.serverMs <= untilMs &&
						(fragment.isPermanent || fragment.serverMs >= sinceMs),
				)
				.sort((a, b) => a[key] - b[key] || a.ordinal - b.ordinal)
				.map(({ ordinal }) => `${ordinal}`);
			t.deepEqual(numbers, expected);
			t.deepEqual(
				index
					.select(range, snapshot)
					.all()
					.map(({ number }) => number),
				expected,
			);
		}
		const everything = index.select({ clock: by, startMs: 0, endMs: 50 }).all();
		t.deepEqual(index.latest(by, endMs, 5), everything.filter((f) => f[`${by}Ms`] <= endMs).slice(-5));
	},
);

testProp(
	'reading from place to place gives every fragment once, in server order, including those added meanwhile',
	[fc.array(fc.nat(20), { maxLength: 40 }), fc.array(fc.nat(20), { maxLength: 40 })],
	(t, before, later) => {
		const index = new FragmentIndex(4);
		const add = (serverMs: number): void => {
			index.add(fragmentOf(`${index.appended}`, { producerMs: 0, serverMs }), false);
		};
		before.forEach(add);
		const read: StoredFragment[] = [];
		let place = { serverMs: -1, ordinal: -1 };
		// What comes while it is read is never of an earlier time than what was read.
		const coming = [...later];
		for (let found = index.after(place); found !== null; found = index.after(place)) {
			read.push(found.fragment);
			place = found.place;
			t.deepEqual(index.placeOf(found.fragment.number), place);
			const next = coming.pop();
			if (next !== undefined) add(place.serverMs + next);
		}
		t.is(read.length, index.appended);
		t.is(new Set(read.map(({ number }) => number)).size, read.length);
		t.deepEqual(
			read.map(({ serverMs }) => serverMs),
			read.map(({ serverMs }) => serverMs).toSorted((a, b) => a - b),
		);
	},
);

test('a removed fragment is no longer found, and the others stay in place', (t) => {
	const index = new FragmentIndex(4);
	for (let number = 0; number < 50; number++) {
		const payload = number % 2 === 0 ? 'even' : 'odd';
		index.add({ ...fragmentOf(`${number}`, { producerMs: 50 - number, serverMs: number }), payload }, false);
	}
	index.removePayload('even', 0, 30);
	for (const by of ['server', 'producer'] as const) {
		const rest = index.select({ clock: by, startMs: 0, endMs: 50 }).all();
		const numbers = rest.map(({ number }) => Number(number)).sort((a, b) => a - b);
		t.deepEqual(
			numbers,
			Array.from({ length: 50 }, (_, number) => number).filter((number) => number % 2 === 1 || number > 30),
		);
	}
	t.is(index.get('4'), undefined);
	t.is(index.get('5')?.serverMs, 5);
	t.is(index.removedBeforeMs, 31);
	t.is(index.appended, 50);
});

test('a fragment comes back as it was appended', (t) => {
	const index = new FragmentIndex();
	const whole = {
		...fragmentOf('7', { producerMs: -5, serverMs: 8e15 }),
		pictures: 3,
		picturesMs: 40,
		crc32: 0xffffffff,
	};
	index.add(whole, true);
	index.add(fragmentOf('8', { producerMs: 1, serverMs: 2 }), true);
	t.deepEqual(index.get('7'), whole);
	t.deepEqual(index.get('8'), fragmentOf('8', { producerMs: 1, serverMs: 2 }));
});
