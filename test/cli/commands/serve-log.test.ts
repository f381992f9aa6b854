import { resolve } from 'node:path';
import test from 'ava';
import { commandLine, setEnvironment } from '../../helpers/program/command-line.js';
import { env } from '../../helpers/program/main-process.js';
import { startServe, stopServe } from '../../helpers/program/served.js';

const KEY = { AWS_ACCESS_KEY_ID: 'AKIDLOGGED', AWS_SECRET_ACCESS_KEY: 'sesame-of-the-test' };
setEnvironment({ ...env, ...KEY, AWS_REGION: 'us-east-1' });

test('serve --log prints a line a request, without credentials and tokens', async (t) => {
	const film = `clip=${resolve('examples/media/clock.mkv')}@2026-01-31T14:03:00Z`;
	const credentials = Object.values(KEY).join(':');
	const served = await startServe(t, ['--ingest', film, '--log'], { KVS_ARCHIVE_CREDENTIALS: credentials });
	const range = ['--from', '2026-01-31T14:00:00Z', '--to', '2026-01-31T15:00:00Z', '--by', 'producer'];
	const at = ['--stream', 'clip', ...range, '--endpoint', served.endpoint];
	t.is((await commandLine(['list', ...at, '--json'])).code, 0);
	const { stdout } = await commandLine(['hls', ...at]);
	t.is((await fetch(stdout.trim())).status, 200);
	t.is(
		(await fetch(`${served.endpoint}/listFragments`, { method: 'POST', body: '{"StreamName":"a b"}' }))
			.status,
		403,
	);
	t.is((await fetch(`${served.endpoint}/nothing?token=secret`)).status, 404);
	t.is(await stopServe(served, 'SIGTERM'), 0);
	const [ingested, ...lines] = served.stderr().trimEnd().split('\n');
	t.regex(ingested ?? '', /ingested, 8 fragments$/);
	const facts = lines.map((line) => {
		const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\S+ \S+ \S+ \d+) (\d+) bytes? \d+ ms$/.exec(line);
		t.true(Number(match?.[2]) > 0, line);
		return match?.[1];
	});
	// A listing is several requests, as many as it has windows.
	t.deepEqual(
		facts.filter((fact, index) => fact !== facts[index - 1]),
		[
			'POST GetDataEndpoint clip 200',
			'POST ListFragments clip 200',
			'POST GetDataEndpoint clip 200',
			'POST GetHLSStreamingSessionURL clip 200',
			'GET GetHLSMasterPlaylist clip 200',
			'POST ListFragments - 403',
			'GET - - 404',
		],
	);
	const token = new URL(stdout.trim()).searchParams.get('SessionToken') ?? 'none';
	for (const secret of [...Object.values(KEY), token, 'secret', 'SessionToken']) {
		t.false(served.stderr().includes(secret), secret);
	}
});
