import { resolve } from 'node:path';
import test from 'ava';
import { type DashSessionOptions, toDashSessionRequest } from '#lib/playback/dash-session-options.js';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

const range = between(0, 60_000);
const nowMs = Date.UTC(2026, 1, 1);
const TimestampRange = { StartTimestamp: range.from, EndTimestamp: range.to };

test('maps options to the request of the service, and refuses invalid ones', (t) => {
	const rows: [DashSessionOptions, object][] = [
		[{}, { PlaybackMode: 'LIVE', Expires: 300 }],
		[
			{ ...range, fragmentNumbers: true, fragmentTimestamps: true, maxFragments: 7, expiresIn: 43_200 },
			{
				PlaybackMode: 'ON_DEMAND',
				DASHFragmentSelector: { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange },
				DisplayFragmentTimestamp: 'ALWAYS',
				DisplayFragmentNumber: 'ALWAYS',
				MaxManifestFragmentResults: 7,
				Expires: 43_200,
			},
		],
		[
			{ mode: 'live', by: 'server', fragmentNumbers: false },
			{
				PlaybackMode: 'LIVE',
				DASHFragmentSelector: { FragmentSelectorType: 'SERVER_TIMESTAMP' },
				DisplayFragmentNumber: 'NEVER',
				Expires: 300,
			},
		],
	];
	for (const [options, request] of rows) t.deepEqual(toDashSessionRequest(options, nowMs), request);
	for (const options of [
		{ container: 'ts' },
		{ discontinuity: 'always' },
		{ fragmentNumbers: 1 },
		{ ...range, mode: 'live' },
		{ mode: 'live-replay' },
		{ maxFragments: 0 },
	]) {
		t.throws(() => toDashSessionRequest(options as DashSessionOptions, nowMs), {
			code: 'KVS_INVALID_OPTION',
		});
	}
});

test('a session is the URL of a manifest, and can be renewed', async (t) => {
	const { endpoint } = await startArchive(t, { door: resolve('examples/media/clock.mkv') });
	const archive = openArchive(t, endpoint);
	const session = await archive.dashSession({ ...range, fragmentNumbers: true });
	t.true(session.url.startsWith(`${endpoint}/dash/v1/getDASHManifest.mpd?SessionToken=`));
	t.regex(await (await fetch(session.url)).text(), /<MPD .*type="static"[\s\S]*kvs:fn="\d+"/);
	const renewed = await session.renew();
	t.not(renewed.url, session.url);
	t.is((await fetch(renewed.url)).status, 200);
	await t.throwsAsync(archive.dashSession({ ...range, from: new Date(0), to: new Date(1000) }), {
		code: 'KVS_NOT_FOUND',
		message: /GetDASHStreamingSessionURL.*: no fragments found/,
	});
});
