import { inspect } from 'node:util';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { resolveTimeRange } from '#lib/model/time-range.js';

const at = (from: unknown, to: unknown = from): object =>
	resolveTimeRange({ from, to } as { from: string; to: string });

test('a range takes dates, epoch milliseconds and ISO 8601, UTC where no zone is named', (t) => {
	const fromMs = Date.UTC(2026, 0, 31, 14, 3, 7);
	for (const from of [
		new Date(fromMs),
		fromMs,
		'2026-01-31T14:03:07Z',
		'2026-01-31 14:03:07',
		'2026-01-31T15:03:07+01:00',
		'2026-01-31T14:03:07.000Z',
	]) {
		t.deepEqual(at(from), { fromMs, toMs: fromMs, by: 'server' });
	}
	t.deepEqual(at('2026-01-31'), at(Date.UTC(2026, 0, 31)));
});

test('refuses what is not a point in time since 1970', (t) => {
	for (const wrong of [
		new Date(Number.NaN),
		-1,
		Number.NaN,
		8.64e15 + 1,
		'',
		'yesterday',
		'2026-02-30',
		'14:03',
		1n,
		null,
		{},
	]) {
		t.throws(() => at(wrong), { code: 'KVS_INVALID_OPTION', message: /`from`/ }, inspect(wrong));
	}
	t.throws(() => at(2, 1), { code: 'KVS_INVALID_OPTION', message: /`to`/ });
	t.throws(() => resolveTimeRange({ from: 1, to: 2, by: 'both' }), { message: /'server' or 'producer'/ });
});

testProp(
	'every time of a Date comes back from its ISO form',
	[fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })],
	(t, date) => {
		t.deepEqual(at(date.toISOString()), at(date));
	},
);
