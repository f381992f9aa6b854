import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { type HlsSessionOptions, toHlsSessionRequest } from '#lib/playback/hls-session-options.js';

const nowMs = Date.UTC(2026, 0, 31, 12);
const dayMs = 24 * 3_600_000;
const from = new Date(nowMs - 3_600_000);
const to = new Date(nowMs - 1_800_000);
const range = { StartTimestamp: from, EndTimestamp: to };

const defaults = { ContainerFormat: 'MPEG_TS', DiscontinuityMode: 'ON_DISCONTINUITY' };

test('maps options to the request of the service, with defaults that every player plays', (t) => {
	const rows: [HlsSessionOptions, object][] = [
		[{}, { PlaybackMode: 'LIVE', Expires: 300 }],
		[
			{ by: 'producer' },
			{
				PlaybackMode: 'LIVE',
				Expires: 300,
				HLSFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP' },
			},
		],
		[
			{ from, to },
			{
				PlaybackMode: 'ON_DEMAND',
				Expires: 300,
				HLSFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: range },
			},
		],
		[
			{ from: from.toISOString(), to: to.getTime() },
			{
				PlaybackMode: 'ON_DEMAND',
				Expires: 300,
				HLSFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: range },
			},
		],
		[
			{ mode: 'live-replay', from, by: 'producer' },
			{
				PlaybackMode: 'LIVE_REPLAY',
				Expires: 300,
				HLSFragmentSelector: {
					FragmentSelectorType: 'PRODUCER_TIMESTAMP',
					TimestampRange: { StartTimestamp: from },
				},
			},
		],
		[
			{ mode: 'live-replay', from, to },
			{
				PlaybackMode: 'LIVE_REPLAY',
				Expires: 300,
				HLSFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP', TimestampRange: range },
			},
		],
		[
			{ container: 'ts', discontinuity: 'on-discontinuity', fragmentTimestamps: true, maxFragments: 5000 },
			{
				PlaybackMode: 'LIVE',
				Expires: 300,
				ContainerFormat: 'MPEG_TS',
				DiscontinuityMode: 'ON_DISCONTINUITY',
				DisplayFragmentTimestamp: 'ALWAYS',
				MaxMediaPlaylistFragmentResults: 5000,
			},
		],
		[
			{
				container: 'fmp4',
				discontinuity: 'never',
				fragmentTimestamps: false,
				maxFragments: 1,
				expiresIn: 43_200,
			},
			{
				PlaybackMode: 'LIVE',
				Expires: 43_200,
				ContainerFormat: 'FRAGMENTED_MP4',
				DiscontinuityMode: 'NEVER',
				DisplayFragmentTimestamp: 'NEVER',
				MaxMediaPlaylistFragmentResults: 1,
			},
		],
	];
	for (const [options, expected] of rows) {
		t.deepEqual(toHlsSessionRequest(options, nowMs), { ...defaults, ...expected } as never);
	}
	t.is(toHlsSessionRequest({ discontinuity: 'always' }, nowMs).DiscontinuityMode, 'ALWAYS');
});

test('takes the longest range, and an end that is now', (t) => {
	const now = new Date(nowMs);
	t.notThrows(() => toHlsSessionRequest({ from: new Date(nowMs - dayMs), to: now }, nowMs));
	t.notThrows(() => toHlsSessionRequest({ from: now, to: new Date(nowMs + dayMs), by: 'producer' }, nowMs));
	t.notThrows(() => toHlsSessionRequest({ from: new Date(nowMs - 1), to: now }, nowMs));
});

test('refuses, before the call, what the service refuses', (t) => {
	const rows: [object, RegExp][] = [
		[{ mode: 'LIVE' }, /`mode` to be 'live', 'live-replay' or 'on-demand', got `LIVE`/],
		[{ mode: 'toString' }, /`mode`/],
		[{ by: 'moon' }, /`by` to be 'server' or 'producer'/],
		[{ from, to, by: 'moon' }, /`by`/],
		[{ container: 'mp4' }, /`container` to be 'fmp4' or 'ts'/],
		[{ discontinuity: true }, /`discontinuity` to be 'always', 'never' or 'on-discontinuity'/],
		[{ fragmentTimestamps: 'always' }, /`fragmentTimestamps` to be true or false/],
		[{ expiresIn: 299 }, /`expiresIn` to be a whole number of seconds from 300 to 43200, got `299`/],
		[{ expiresIn: 43_201 }, /`expiresIn`/],
		[{ expiresIn: 300.5 }, /`expiresIn`/],
		[{ expiresIn: '300' }, /`expiresIn`/],
		[{ maxFragments: 0 }, /`maxFragments` to be a whole number from 1 to 5000/],
		[{ maxFragments: 5001 }, /`maxFragments`/],
		[{ mode: 'live', from }, /`from` to be left out with `mode: 'live'`/],
		[{ mode: 'live', to }, /`to` to be left out/],
		[{ to }, /`to` to be left out/],
		[{ mode: 'live-replay' }, /`from` to be given with `mode: 'live-replay'`/],
		[{ mode: 'on-demand' }, /`from` to be given/],
		[{ mode: 'on-demand', to }, /`from` to be given/],
		[{ mode: 'on-demand', from }, /`to` to be given with `mode: 'on-demand'`/],
		[{ from }, /`to` to be given/],
		[
			{ from: 'yesterday', to },
			/`from` to be a Date, epoch milliseconds or ISO 8601, since 1970, got `yesterday`/,
		],
		[{ from, to: new Date(Number.NaN) }, /`to` to be a Date/],
		[{ from: new Date(-1), to }, /`from` to be a Date, .* since 1970/],
		[{ from, to: from }, /`to` to be after `from` \(2026-01-31T11:00:00.000Z\)/],
		[{ from: to, to: from }, /`to` to be after `from`/],
		[{ from, to: new Date(from.getTime() + dayMs + 1), by: 'producer' }, /`to` to be at most 24 hours after/],
		[{ from, to: new Date(nowMs + 1) }, /`to` to be not in the future on the server's clock \(it is 2026/],
		[{ mode: 'live-replay', from, to: new Date(nowMs + 1) }, /not in the future/],
	];
	for (const [options, message] of rows) {
		t.throws(() => toHlsSessionRequest(options as HlsSessionOptions, nowMs), {
			code: 'KVS_INVALID_OPTION',
			message,
		});
	}
});

testProp(
	'every request that is let through obeys the rules of the service',
	[
		fc.record(
			{
				mode: fc.constantFrom('live', 'live-replay', 'on-demand'),
				from: fc.date({ min: new Date(nowMs - 3 * dayMs), max: new Date(nowMs + dayMs) }),
				to: fc.date({ min: new Date(nowMs - 3 * dayMs), max: new Date(nowMs + dayMs) }),
				by: fc.constantFrom('server', 'producer'),
				expiresIn: fc.integer({ min: 200, max: 50_000 }),
			},
			{ requiredKeys: [] },
		),
	],
	(t, options) => {
		let request: ReturnType<typeof toHlsSessionRequest>;
		try {
			request = toHlsSessionRequest(options as HlsSessionOptions, nowMs);
		} catch (error) {
			t.is((error as { code?: string }).code, 'KVS_INVALID_OPTION');
			return;
		}
		const { PlaybackMode, HLSFragmentSelector, Expires } = request;
		const selected = HLSFragmentSelector?.TimestampRange;
		t.true(Expires >= 300 && Expires <= 43_200);
		t.is(selected === undefined, PlaybackMode === 'LIVE');
		t.true(PlaybackMode !== 'ON_DEMAND' || selected?.EndTimestamp !== undefined);
		if (selected?.EndTimestamp === undefined) return;
		const lengthMs = selected.EndTimestamp.getTime() - selected.StartTimestamp.getTime();
		t.true(lengthMs > 0 && lengthMs <= dayMs);
		const isServer = HLSFragmentSelector?.FragmentSelectorType === 'SERVER_TIMESTAMP';
		t.true(!isServer || selected.EndTimestamp.getTime() <= nowMs);
	},
);
