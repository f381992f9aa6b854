import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { collect } from '../../helpers/collect.js';
import { testWith, withFfmpeg } from '../../helpers/needs.js';
import { commandLine, setEnvironment } from '../../helpers/program/command-line.js';
import { assertFailure, objects } from '../../helpers/program/outcome.js';
import { startArchive, type TestArchive } from '../../helpers/service/archive.js';
import { makeCertificate } from '../../helpers/service/certificate.js';
import { openArchive } from '../../helpers/service/open-archive.js';
import { type Outcome, run, temporaryDirectory } from '../../helpers/tools.js';
import { matroska } from '../../server/made-media.js';

setEnvironment({ AWS_PROFILE: undefined, AWS_ENDPOINT_URL: undefined });

const CLOCK = 'examples/media/clock.mkv';
const MAIN = resolve('dist/cli/main.js');

/** A local archive without streams, and what reaches it. */
async function start(
	t: ExecutionContext,
): Promise<TestArchive & { feed: (...args: string[]) => Promise<Outcome> }> {
	const archive = await startArchive(t, {});
	const at = ['--stream', 'door', '--endpoint', archive.endpoint];
	return { ...archive, feed: (...args) => commandLine(['feed', ...args, ...at]) };
}

test('feed of a file prints a line for each stored fragment, and a summary', async (t) => {
	const { feed, endpoint } = await start(t);
	const { code, stdout, stderr } = await feed(CLOCK, '--create', '--start', '2026-01-31T14:03:00Z');
	t.is(code, 0, stderr);
	const lines = stdout.trim().split('\n');
	t.is(lines.length, 8);
	t.regex(lines[0] ?? '', /^9134\d{43} {2}producer 2026-01-31T14:03:00\.000Z {2}stored$/);
	t.regex(
		stderr,
		/^fed door: 8 of 8 fragments stored, 991 frames, 0\.3 MB, 2026-01-31T14:03:00\.000Z to 2026-01-31T14:03:16\.000Z\n$/,
	);
	const archive = openArchive(t, endpoint);
	const stored = await collect(
		archive.fragments({ from: '2026-01-31', to: '2026-02-01', by: 'producer' }) as AsyncIterable<{
			fragmentNumber: string;
		}>,
	);
	t.deepEqual(
		lines.map((line) => line.split(' ')[0]),
		stored.map(({ fragmentNumber }) => fragmentNumber),
	);
});

test('--json: a line an acknowledgement; tags; --retention', async (t) => {
	const { feed, server, endpoint } = await start(t);
	const { code, stdout, stderr } = await feed(
		CLOCK,
		'--json',
		'--create',
		'--retention',
		'5',
		'--tag',
		'site=north',
		'--tag',
		'door=a=b',
	);
	t.is(code, 0, stderr);
	const acks = objects(stdout);
	t.is(acks.length, 24);
	t.deepEqual(Object.keys(acks[0] ?? {}), ['type', 'eventType', 'fragmentTimecode', 'fragmentNumber']);
	t.like(acks[0], { type: 'ack', eventType: 'BUFFERING' });
	t.is(acks.filter(({ eventType }) => eventType === 'PERSISTED').length, 8);
	t.is(server.archive.stream('door')?.metadata.retentionHours, 5);
	const events = openArchive(t, endpoint).events({ from: 0, to: Date.now() + 60_000 });
	for await (const event of events) {
		if (event.type !== 'fragment-end') continue;
		t.is(event.tag('site'), 'north');
		t.is(event.tag('door'), 'a=b');
	}
});

test('an error of feed is one line', async (t) => {
	const { feed } = await start(t);
	assertFailure(t, await feed(CLOCK), 1, /^KVS_NOT_FOUND: .*`door`/);
	assertFailure(
		t,
		await feed('nothing.mkv', '--create'),
		1,
		/^KVS_FILE_UNREADABLE: cannot read `nothing\.mkv`: there is no such file/,
	);
	assertFailure(
		t,
		await feed(CLOCK, '--realtime', '--fast'),
		2,
		/`--fast` to be left out with --realtime\n$/,
	);
	assertFailure(t, await feed(CLOCK, '--tag', 'site'), 2, /^KVS_INVALID_OPTION: .*--tag/);
	const tag = `site=${'x'.repeat(2000)}`;
	assertFailure(
		t,
		await feed(CLOCK, '--tag', tag),
		2,
		/expected `--tag site` to be a string of at most \d+ bytes/,
	);
	assertFailure(t, await feed(CLOCK, '--start', 'then'), 2, /^KVS_INVALID_OPTION: .*--start/);
	const sparse = Array.from({ length: 60 }, (_, index) => ({
		track: 1,
		ticks: index * 500,
		keyframe: index === 0,
	}));
	const file = join(await temporaryDirectory(t), 'sparse.mkv');
	await writeFile(file, matroska(sparse, { tracks: [1] }));
	assertFailure(
		t,
		await feed(file, '--create'),
		1,
		/^KVS_MEDIA_UNSUPPORTED: cannot feed `.*sparse\.mkv`: no key frame/,
	);
});

/** Runs the command as a process whose stdin is a program's stdout. */
async function piped(source: readonly string[], args: readonly string[]): Promise<Outcome> {
	const [program = '', ...programArgs] = source;
	const producer = spawn(program, programArgs, { stdio: ['ignore', 'pipe', 'inherit'] });
	const child = spawn(process.execPath, [MAIN, 'feed', '-', ...args], {
		stdio: [producer.stdout, 'pipe', 'pipe'],
	});
	producer.stdout.destroy();
	const [stdout, stderr, [code]] = await Promise.all([
		text(child.stdout),
		text(child.stderr),
		once(child, 'exit'),
	]);
	return { code, stdout, stderr };
}

withFfmpeg('ffmpeg | kvs-archive feed: by the media’s clock, until the pipe ends', async (t) => {
	const { endpoint } = await start(t);
	const ffmpeg =
		'-nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine=r=48000 -t 5'.split(
			' ',
		);
	const coded = '-c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p -c:a aac -f matroska -'.split(
		' ',
	);
	const at = ['--stream', 'door', '--endpoint', endpoint];
	const beforeMs = Date.now();
	const { code, stdout, stderr } = await piped(['ffmpeg', ...ffmpeg, ...coded], [...at, '--create']);
	t.is(code, 0, stderr);
	t.regex(stderr, /5 of 5 fragments stored/);
	const times = [...stdout.matchAll(/producer (\S+)/g)].map(([, time]) => Date.parse(time ?? ''));
	t.true(
		times.every((time) => time >= beforeMs - 1000 && time <= Date.now()),
		stdout,
	);
	const listed = await run(process.execPath, [MAIN, 'timeline', ...at, '--from', '-1h', '--json']);
	const spans = objects(listed.stdout).filter(({ type }) => type === 'span');
	t.is(spans.length, 1, listed.stdout);
});

withFfmpeg('a pipe that is interrupted: 130, and nothing is left open', async (t) => {
	const { endpoint } = await start(t);
	const args = ['feed', '-', '--stream', 'door', '--endpoint', endpoint, '--create'];
	const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
	const ended = once(child, 'exit');
	const stderr = text(child.stderr);
	child.stdin.on('error', () => {});
	child.stdin.write(
		matroska(
			Array.from({ length: 100 }, (_, index) => ({
				track: 1,
				ticks: index * 100,
				keyframe: index % 10 === 0,
			})),
			{
				tracks: [1],
			},
		),
	);
	await once(child.stdout, 'data');
	child.kill('SIGINT');
	const [code] = await ended;
	t.is(code, 130);
	t.is(await stderr, 'KVS_INTERRUPTED: interrupted by SIGINT\n');
});

testWith('openssl')('over HTTPS, with signatures that are verified', async (t) => {
	const tls = await makeCertificate(await temporaryDirectory(t));
	const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
	const { server } = await startArchive(t, {}, { tls, credentials: [key] });
	const endpoint = server.endpoint ?? '';
	t.regex(endpoint, /^https:/);
	const feed = (secret: string): Promise<Outcome> =>
		run(process.execPath, [MAIN, 'feed', CLOCK, '--stream', 'door', '--create', '--endpoint', endpoint], {
			env: {
				NODE_EXTRA_CA_CERTS: tls.certFile,
				AWS_REGION: 'us-east-1',
				AWS_ACCESS_KEY_ID: key.accessKeyId,
				AWS_SECRET_ACCESS_KEY: secret,
			},
		});
	assertFailure(t, await feed('another'), 1, /^KVS_DENIED: /);
	const { code, stderr } = await feed(key.secretAccessKey);
	t.is(code, 0, stderr);
	t.regex(stderr, /8 of 8 fragments stored/);
});
