import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Operation } from '#lib/server/operations/operation.js';
import { ServiceError } from '#lib/server/wire/service-error.js';
import { recording } from '../../helpers/media/payload.js';
import { withFfmpeg } from '../../helpers/needs.js';
import { commandLine, setEnvironment } from '../../helpers/program/command-line.js';
import { env } from '../../helpers/program/main-process.js';
import { assertFailure, objects } from '../../helpers/program/outcome.js';
import { startArchive } from '../../helpers/service/archive.js';
import { temporaryDirectory } from '../../helpers/tools.js';

const UNSET = { ...env, AWS_SECRET_ACCESS_KEY: undefined, AWS_DEFAULT_REGION: undefined };
const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'sesame' };
test.beforeEach(() => setEnvironment(UNSET));

interface Seen {
	readonly code: number | null;
	/** Checks that are not ok, and their states; not of ffmpeg, which this machine may lack. */
	readonly wrong: Readonly<Record<string, unknown>>;
	readonly advice: (check: string) => string;
	readonly message: (check: string) => string;
	readonly checks: readonly string[];
}

async function examined(t: ExecutionContext, stream: string, ...args: readonly string[]): Promise<Seen> {
	const { code, stdout, stderr } = await commandLine(['doctor', '--stream', stream, '--json', ...args]);
	t.is(stderr, '');
	const lines = objects(stdout);
	const checks = lines.slice(0, -1);
	const of = (check: string, field: string) =>
		String(checks.find((line) => line['check'] === check)?.[field]);
	t.is(lines.at(-1)?.['failed'], checks.filter(({ state }) => state === 'failed').length);
	t.is(code, lines.at(-1)?.['failed'] === 0 ? 0 : 1);
	for (const { state, advice } of checks) t.is(advice === null, state === 'ok');
	return {
		code,
		wrong: Object.fromEntries(
			checks
				.filter(({ check, state }) => state !== 'ok' && check !== 'ffmpeg')
				.map(({ check, state }) => [check, state]),
		),
		advice: (check) => of(check, 'advice'),
		message: (check) => of(check, 'message'),
		checks: checks.map(({ check }) => String(check)),
	};
}

const CLOCK = resolve('examples/media/clock.mkv');

test.serial('every check of a healthy stream is ok, and the checks change nothing', async (t) => {
	const { endpoint, requests } = await startArchive(t, { clock: CLOCK });
	const seen = await examined(t, 'clock', '--endpoint', endpoint);
	t.deepEqual(seen.wrong, {});
	const expected =
		'credentials region endpoint clock GetDataEndpoint stream retention ListFragments stored ' +
		'gaps GetMediaForFragmentList GetMedia GetHLSStreamingSessionURL GetDASHStreamingSessionURL GetClip GetImages codecs export hls pictures ffmpeg';
	t.deepEqual(seen.checks, expected.split(' '));
	t.regex(seen.message('credentials'), /placeholder credentials/);
	t.regex(seen.message('stored'), /^8 fragments from /);
	t.regex(seen.message('codecs'), /^track 1 video avc1\..* 320x240; track 2 audio mp4a\.40\.2 /);
	t.deepEqual(
		requests.filter(
			({ method, operation }) => method === 'POST' && !/^(Get|List|Describe)/.test(operation ?? ''),
		),
		[],
	);
	t.true(requests.length < 40, `${requests.length} requests`);
	const person = await commandLine([
		'doctor',
		'--stream',
		'clock',
		'--endpoint',
		endpoint,
		'--ffmpeg',
		'/no/such',
	]);
	t.is(person.code, 0);
	t.regex(
		person.stdout,
		/^ok {7}credentials: .*\nwarning {2}ffmpeg: cannot run `\/no\/such`: .*\n {9}\S.*--ffmpeg PATH\n$/s,
	);
	t.is(person.stderr, '20 ok, 1 warning, 0 failed\n');
});

test.serial('a profile is named, whether it has credentials or not', async (t) => {
	const { endpoint } = await startArchive(t, { clock: CLOCK });
	const file = join(await temporaryDirectory(t), 'credentials');
	await writeFile(file, '[desk]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = sesame\n');
	setEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: file });
	// The last place where the SDK looks is on the network.
	setEnvironment({ AWS_EC2_METADATA_DISABLED: 'true' });
	t.teardown(() => {
		setEnvironment({ AWS_SHARED_CREDENTIALS_FILE: undefined, AWS_CONFIG_FILE: undefined });
		setEnvironment({ AWS_EC2_METADATA_DISABLED: undefined });
	});
	const found = await examined(t, 'clock', '--endpoint', endpoint, '--profile', 'desk');
	t.deepEqual(found.wrong, {});
	t.is(found.message('credentials'), 'found: access key ending in MPLE (profile `desk`)');
	const lacking = await examined(t, 'clock', '--endpoint', endpoint, '--profile', 'dsek');
	t.deepEqual(lacking.wrong, { credentials: 'failed' });
	t.regex(lacking.message('credentials'), /\(profile `dsek`\)$/);
	const list = ['list', '--stream', 'clock', '--from', '1', '--to', '2', '--endpoint', endpoint];
	assertFailure(
		t,
		await commandLine([...list, '--profile', 'dsek']),
		1,
		/no credentials of the profile `dsek` were found/,
	);
	setEnvironment({ AWS_PROFILE: 'desk2' });
	assertFailure(t, await commandLine(list), 1, /no credentials of the profile `desk2` were found/);
});

withFfmpeg('finds the ffmpeg in the PATH and reports its version', async (t) => {
	const { endpoint } = await startArchive(t, { clock: CLOCK });
	const seen = await examined(t, 'clock', '--endpoint', endpoint);
	t.regex(seen.message('ffmpeg'), /^version \d/);
	t.is(seen.advice('ffmpeg'), 'null');
});

const refusals: readonly [string, Partial<typeof KEY>, NodeJS.ProcessEnv, number, string, RegExp][] = [
	['a key that is not known', { accessKeyId: 'AKIDOTHER' }, {}, 0, 'credentials', /access key is not known/],
	['the wrong secret', { secretAccessKey: 'sesame2' }, {}, 0, 'credentials', /secret does not belong/],
	['another region', {}, { AWS_REGION: 'eu-west-1' }, 0, 'region', /--region/],
	['a clock that is an hour slow', {}, {}, 3_600_000, 'clock', /NTP/],
	['a clock that is an hour ahead', {}, {}, -3_600_000, 'clock', /NTP/],
];
for (const [title, given, variables, shiftMs, check, advice] of refusals) {
	test.serial(`${title}: that is the one check that fails`, async (t) => {
		const now = (): number => Date.now() + shiftMs;
		const { endpoint, server } = await startArchive(t, {}, { credentials: [KEY], now });
		await server.archive.ready;
		const key = { ...KEY, ...given };
		setEnvironment({ AWS_REGION: 'us-east-1', ...variables });
		setEnvironment({ AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey });
		const seen = await examined(t, 'clock', '--endpoint', endpoint);
		t.deepEqual(seen.wrong, { [check]: 'failed' });
		t.regex(seen.advice(check), advice);
		t.false(JSON.stringify(seen.message(check)).includes(key.secretAccessKey));
		t.deepEqual(seen.checks.slice(-1), ['ffmpeg']);
	});
}

test.serial('warns of an endpoint whose clock differs from the local one', async (t) => {
	const server = createServer((_, response) => {
		response
			.setHeader('date', new Date(Date.now() - 120_000).toUTCString())
			.setHeader('x-amzn-requestid', 'request-7')
			.writeHead(404)
			.end();
	}).listen(0, '127.0.0.1');
	t.teardown(() => server.close());
	await new Promise((listening) => server.once('listening', listening));
	const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const seen = await examined(t, 'clock', '--endpoint', endpoint);
	t.like(seen.wrong, { clock: 'warning', GetDataEndpoint: 'failed' });
	t.regex(seen.message('clock'), /^this clock is 12\d s fast, compared with the endpoint's$/);
	t.regex(
		seen.advice('GetDataEndpoint'),
		/; if it persists, open a support case with the request id request-7, or /,
	);
});

/** Has these operations refuse everybody; an option that is not public. */
const denied = (...names: readonly string[]): object => ({
	operations: names.map(
		(name): Operation => ({
			name,
			path: `/${name.charAt(0).toLowerCase()}${name.slice(1)}`,
			respond() {
				throw new ServiceError(
					'AccessDeniedException',
					400,
					`not authorized to perform: kinesisvideo:${name}`,
				);
			},
		}),
	),
});

test.serial('an operation that is denied stops what needs it, and no more', async (t) => {
	const some = await startArchive(
		t,
		{ clock: CLOCK },
		denied('DescribeStream', 'GetClip', 'GetHLSStreamingSessionURL'),
	);
	const seen = await examined(t, 'clock', '--endpoint', some.endpoint);
	t.deepEqual(seen.wrong, {
		DescribeStream: 'warning',
		GetClip: 'warning',
		GetHLSStreamingSessionURL: 'warning',
	});
	t.regex(seen.advice('GetClip'), /^for clip: allow kinesisvideo:GetClip on stream `clock`/);
	const all = await startArchive(t, { clock: CLOCK }, denied('ListFragments', 'GetMediaForFragmentList'));
	const stopped = await examined(t, 'clock', '--endpoint', all.endpoint);
	t.deepEqual(stopped.wrong, { ListFragments: 'failed', GetMediaForFragmentList: 'failed' });
});

test.serial(
	'reports a missing stream, no retention, an empty stream, an unreachable endpoint and a missing region',
	async (t) => {
		const { endpoint, server } = await startArchive(t, {});
		await server.archive.ready;
		await server.archive.createStream({ name: 'empty' });
		await server.archive.createStream({ name: 'forgetful', retentionHours: 0 });
		const missing = await examined(t, 'gate', '--endpoint', endpoint);
		t.deepEqual(missing.wrong, { stream: 'failed' });
		// What to do is in the advice, and not twice.
		t.regex(missing.message('stream'), /: no such stream \([^;]*\)$/);
		const empty = await examined(t, 'empty', '--endpoint', endpoint);
		t.deepEqual(empty.wrong, { stored: 'warning' });
		t.true(empty.checks.includes('GetImages'));
		const forgetful = await examined(t, 'forgetful', '--endpoint', endpoint);
		t.like(forgetful.wrong, { retention: 'failed' });
		t.regex(forgetful.advice('retention'), /update-data-retention/);
		const unreachable = await examined(t, 'clock', '--endpoint', 'http://127.0.0.1:2');
		t.deepEqual(unreachable.wrong, { endpoint: 'failed' });
		t.regex(unreachable.message('endpoint'), /ECONNREFUSED/);
		setEnvironment({ AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey });
		setEnvironment({ AWS_CONFIG_FILE: '/no/such', AWS_SHARED_CREDENTIALS_FILE: '/no/such' });
		t.like((await examined(t, 'clock')).wrong, { region: 'failed' });
	},
);

test.serial('warns of audio alone, of gaps, and of a codec that cannot be played', async (t) => {
	const { endpoint } = await startArchive(t, {
		calls: resolve('examples/media/calls.mkv'),
		door: recording(3, { stepMs: 5000 }),
	});
	const calls = await examined(t, 'calls', '--endpoint', endpoint);
	t.like(calls.wrong, { pictures: 'warning', hls: 'warning' });
	t.regex(calls.message('codecs'), /`AUDIO_FROM_CUSTOMER` audio/);
	t.regex(calls.message('pictures'), /audio only/);
	const door = await examined(t, 'door', '--endpoint', endpoint);
	t.like(door.wrong, { gaps: 'warning', export: 'warning', hls: 'warning' });
	t.regex(door.message('gaps'), /^2 gaps, the longest 4\.0 s, /);
	t.regex(door.message('export'), /^into \.mkv only/);
});
