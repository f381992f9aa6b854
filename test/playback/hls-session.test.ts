import { resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from 'kvs-archive';
import { between } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { startMeddler } from '../helpers/service/meddler.js';
import { openArchive } from '../helpers/service/open-archive.js';

const range = between(0, 60_000);

const startClip = (t: ExecutionContext) => startArchive(t, { door: resolve('examples/media/clock.mkv') });

test('a session is a URL that plays, until a time that is known, and can be renewed', async (t) => {
	const { endpoint, requests } = await startClip(t);
	let nowMs = Date.UTC(2026, 1, 1);
	const archive = openArchive(t, endpoint, { clock: { ...systemClock, now: () => nowMs } });
	const options = { ...range, fragmentTimestamps: true, expiresIn: 600 };
	const session = await archive.hlsSession(options);
	t.true(session.url.startsWith(`${endpoint}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=`));
	t.is(session.expiresAt.getTime(), nowMs + 600_000);
	t.deepEqual(session.options, options);
	const playlist = await fetch(session.url);
	t.is(playlist.status, 200);
	t.regex(await playlist.text(), /^#EXTM3U\n/);
	nowMs += 500_000;
	const renewed = await session.renew();
	t.not(renewed.url, session.url);
	t.is(renewed.expiresAt.getTime(), nowMs + 600_000);
	t.is(session.expiresAt.getTime(), nowMs + 100_000);
	t.is((await fetch(renewed.url)).status, 200);
	t.deepEqual(
		requests.map(({ operation }) => operation),
		[
			'GetDataEndpoint',
			'GetHLSStreamingSessionURL',
			'GetHLSMasterPlaylist',
			'GetHLSStreamingSessionURL',
			'GetHLSMasterPlaylist',
		],
	);
});

test('every option reaches the service', async (t) => {
	const { endpoint } = await startClip(t);
	const archive = openArchive(t, endpoint);
	for (const mode of ['on-demand', 'live-replay'] as const) {
		for (const container of ['fmp4', 'ts'] as const) {
			for (const discontinuity of ['always', 'never', 'on-discontinuity'] as const) {
				const session = await archive.hlsSession({
					...range,
					mode,
					container,
					discontinuity,
					maxFragments: 3,
				});
				t.is((await fetch(session.url)).status, 200, `${mode} ${container} ${discontinuity}`);
			}
		}
	}
});

test('an empty range is an error of the service, and an invalid option is refused without a request', async (t) => {
	const { endpoint, count } = await startClip(t);
	const archive = openArchive(t, endpoint);
	await t.throwsAsync(archive.hlsSession({ ...range, expiresIn: 299 }), { code: 'KVS_INVALID_OPTION' });
	t.is(count('GetDataEndpoint'), 0);
	const empty = { ...range, from: new Date(0), to: new Date(1000) };
	const error = await t.throwsAsync(archive.hlsSession(empty), {
		code: 'KVS_NOT_FOUND',
		message: /: no fragments found/,
	});
	t.like(error, { operation: 'GetHLSStreamingSessionURL', awsName: 'ResourceNotFoundException' });
	const signal = AbortSignal.abort(new Error('enough'));
	await t.throwsAsync(archive.hlsSession({ ...range, signal }), { message: 'enough' });
});

test('a request that fails is retried, and a response without a URL is an error', async (t) => {
	const archive = await startClip(t);
	const once = await startMeddler(t, archive, ({ path, nth, body }) =>
		path === '/getHLSStreamingSessionURL' && nth === 0 ? { status: 503, body } : null,
	);
	t.true((await openArchive(t, once).hlsSession(range)).url.startsWith(once));
	const never = await startMeddler(t, archive, ({ path }) =>
		path === '/getHLSStreamingSessionURL' ? { body: Buffer.from('{}') } : null,
	);
	await t.throwsAsync(openArchive(t, never).hlsSession(range), {
		code: 'KVS_REQUEST_FAILED',
		message: /`HLSStreamingSessionURL` to be an http or https URL/,
	});
});
