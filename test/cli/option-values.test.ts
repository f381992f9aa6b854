import test from 'ava';
import { parsePointInTime } from '#lib/cli/point-in-time.js';
import { parseTracks } from '#lib/cli/track-list.js';

const nowMs = Date.UTC(2026, 0, 31, 12);

const accepts = test.macro((t, text: string, expected: string) => {
	t.is(parsePointInTime('--from', text, nowMs).toISOString(), expected);
});
const refuses = test.macro((t, text: string) => {
	const error = t.throws(() => parsePointInTime('--from', text, nowMs));
	t.like(error, { code: 'KVS_INVALID_OPTION', option: '--from' });
	t.true(error?.message.includes(text));
});

test('--from: a date', accepts, '2026-01-30', '2026-01-30T00:00:00.000Z');
test('--from: a time without a zone is UTC', accepts, '2026-01-30T14:03:07', '2026-01-30T14:03:07.000Z');
test('--from: a time with milliseconds', accepts, '2026-01-30T14:03:07.123Z', '2026-01-30T14:03:07.123Z');
test('--from: a time with a zone', accepts, '2026-01-30T14:03:07+02:00', '2026-01-30T12:03:07.000Z');
test('--from: a zone without a colon', accepts, '2026-01-30T14:03:07+0230', '2026-01-30T11:33:07.000Z');
test('--from: a zone of hours', accepts, '2026-01-30T14:03-05', '2026-01-30T19:03:00.000Z');
test('--from: a blank for the T', accepts, '2026-01-30 14:03', '2026-01-30T14:03:00.000Z');
test('--from: a leap day', accepts, '2028-02-29', '2028-02-29T00:00:00.000Z');
test('--from: epoch seconds', accepts, '1511852109', '2017-11-28T06:55:09.000Z');
test('--from: epoch seconds with a fraction', accepts, '1511852109.126', '2017-11-28T06:55:09.126Z');
test('--from: now', accepts, 'now', '2026-01-31T12:00:00.000Z');
test('--from: fifteen minutes ago', accepts, '-15m', '2026-01-31T11:45:00.000Z');
test('--from: an offset of now', accepts, 'now-1.5h', '2026-01-31T10:30:00.000Z');
test('--from: later', accepts, '+2d', '2026-02-02T12:00:00.000Z');

test('--from: an empty text', refuses, '');
test('--from: a word', refuses, 'yesterday');
test('--from: a day that no month has', refuses, '2026-02-31');
test('--from: a month that no year has', refuses, '2026-13-01');
test('--from: an hour that no day has', refuses, '2026-01-30T25:00:00Z');
test('--from: milliseconds meant as seconds', refuses, '1511852109126');
test('--from: an unknown unit', refuses, '-15y');
test('--from: a time before 1970', refuses, '1969-12-31T23:59:59Z');

test('--tracks: numbers, types and names, with commas between them', (t) => {
	t.deepEqual(parseTracks('1,2'), [1, 2]);
	t.deepEqual(parseTracks('video'), ['video']);
	t.deepEqual(parseTracks('2, AUDIO_FROM_CUSTOMER,audio'), [2, 'AUDIO_FROM_CUSTOMER', 'audio']);
	t.deepEqual(parseTracks('front door'), ['front door']);
	t.deepEqual(parseTracks('-1,2x'), ['-1', '2x']);
	t.is(parseTracks(undefined), undefined);
});

for (const list of ['', ',', '1,,2', '1,', '0', '1,0', '99999999999999999999']) {
	test(`\`${list}\` is not a valid list of tracks`, (t) => {
		t.throws(() => parseTracks(list), {
			code: 'KVS_INVALID_OPTION',
			message: /^expected `--tracks` to be .*, got `/,
		});
	});
}
