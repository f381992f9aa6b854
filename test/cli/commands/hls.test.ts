import { resolve } from 'node:path';
import test from 'ava';
import { commandLine, setEnvironment } from '../../helpers/program/command-line.js';
import { startArchive } from '../../helpers/service/archive.js';
import type { Outcome } from '../../helpers/tools.js';

setEnvironment({ AWS_ACCESS_KEY_ID: undefined, AWS_PROFILE: undefined, AWS_ENDPOINT_URL: undefined });

const hls = (args: readonly string[]): Promise<Outcome> => commandLine(['hls', ...args]);

test('prints a URL that plays, and nothing else on stdout', async (t) => {
	const { endpoint } = await startArchive(t, { door: resolve('examples/media/clock.mkv') });
	const at = [
		'--stream',
		'door',
		'--endpoint',
		endpoint,
		'--from',
		'2026-01-31',
		'--to',
		'2026-01-31T00:01:00Z',
	];
	const { code, stdout, stderr } = await hls([
		...at,
		'--by',
		'producer',
		'--fragment-timestamps',
		'--expires',
		'10m',
	]);
	t.is(code, 0, stderr);
	t.regex(stdout, /^http:\/\/127\.0\.0\.1:\d+\/hls\/v1\/getHLSMasterPlaylist\.m3u8\?SessionToken=[\w~-]+\n$/);
	t.regex(stderr, /^plays until \d{4}-\S+Z, for anyone who has the URL\n$/);
	t.is((await fetch(stdout.trim())).status, 200);
	const before = Date.now();
	const replay = await hls([...at.slice(0, -2), '--mode', 'live-replay', '--container', 'ts', '--json']);
	t.is(replay.stderr, '');
	const { url, expiresAt, ...line } = JSON.parse(replay.stdout);
	t.deepEqual(line, {
		type: 'hls-session',
		mode: 'live-replay',
		from: '2026-01-31T00:00:00.000Z',
		to: null,
		by: 'server',
	});
	t.true(Date.parse(expiresAt) >= before + 300_000);
	t.is((await fetch(url)).status, 200);
	const nothing = await hls([
		'--stream',
		'door',
		'--endpoint',
		endpoint,
		'--from',
		'1980-01-01',
		'--to',
		'1980-01-02',
		'--by',
		'producer',
	]);
	t.is(nothing.code, 1);
	t.regex(
		nothing.stderr,
		/^KVS_NOT_FOUND: .*: no fragments found \(ResourceNotFoundException: No fragments found.*\); see what is stored: kvs-archive timeline\n$/,
	);
});

test('what the service would refuse is an error in one line, before any request', async (t) => {
	const at = ['--stream', 'door', '--endpoint', 'http://127.0.0.1:1'];
	const range = ['--from', '-2h', '--to', '-1h'];
	const rows: [string[], RegExp][] = [
		[[...range], /.*--stream/],
		[[...at, ...range, '--mode', 'dead'], /.*`--mode` to be on-demand, live or live-replay, got `dead`/],
		[[...at, ...range, '--mode', 'live'], /.*`--from` to be left out/],
		[[...at, '--from', '-2h', '--to', '+1h'], /.*not in the future/],
		[[...at, '--from', '-25h'], /.*at most 24 hours/],
		[[...at, '--from', 'tomorrow'], /.*--from.*tomorrow/],
		[[...at, ...range, '--expires', '13h'], /.*`--expires`/],
		[[...at, ...range, '--expires', 'soon'], /.*--expires/],
	];
	for (const [args, message] of rows) {
		const { code, stdout, stderr } = await hls(args);
		t.is(stdout, '');
		t.is(code, 2, stderr);
		t.regex(stderr, new RegExp(`^KVS_INVALID_OPTION: ${message.source}`));
		t.is(stderr.split('\n').length, 2, stderr);
	}
});

test('dash prints the URL of a manifest', async (t) => {
	const { endpoint } = await startArchive(t, { door: resolve('examples/media/clock.mkv') });
	const at = ['--stream', 'door', '--endpoint', endpoint, '--by', 'producer'];
	const range = ['--from', '2026-01-31', '--to', '2026-01-31T00:01:00Z'];
	const shown = ['--fragment-timestamps', '--fragment-numbers', '--max-fragments', '2'];
	const { code, stdout, stderr } = await commandLine(['dash', ...at, ...range, ...shown]);
	t.is(code, 0, stderr);
	t.regex(stdout, /^http:\/\/127\.0\.0\.1:\d+\/dash\/v1\/getDASHManifest\.mpd\?SessionToken=[\w~-]+\n$/);
	const manifest = await (await fetch(stdout.trim())).text();
	// Two segments of each of two tracks.
	t.is(manifest.match(/<S [^>]*kvs:ts="[^"]+" kvs:fn="\d+"\/>/g)?.length, 4);
	const replay = await commandLine(['dash', ...at, ...range, '--mode', 'live-replay', '--json']);
	t.like(JSON.parse(replay.stdout), { type: 'dash-session', mode: 'live-replay', by: 'producer' });
	const refused = await commandLine(['dash', ...at, ...range, '--container', 'ts']);
	t.is(refused.code, 2);
});
